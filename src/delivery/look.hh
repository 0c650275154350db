// What is known of a mailbox before anything is delivered to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/quota.hh"
#include "spool/quota_book.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::delivery {

struct Look {
  std::optional<Error> error;  // why there is no more: the mailbox, or its base, cannot be opened
  bool is_there = false;       // else it is made with the first message
  std::string filesystem;      // its type, "ext4"; empty: the system does not tell
  std::uint64_t free_octets = 0;         // for users without privilege
  std::optional<spool::Standing> quota;  // nothing: it cannot be told
};

// As whoever this process is. A mailbox that must be counted is, for a message of `size` octets.
// May block for as long as the mailbox's disk does.
Look look_at(sys::Files& files, const sys::Fd& spool, spool::QuotaBook& quotas,
             const Mailbox& mailbox, std::uint64_t size);

}  // namespace handoff::delivery
