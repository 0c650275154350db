// The state of a mailbox before a delivery.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/quota.hh"
#include "spool/quotas.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::delivery {

struct Inspection {
  std::optional<Error> error;  // why nothing can be delivered: a folder cannot be opened or written
  bool exists = false;         // if not, the first message creates it
  std::string filesystem;      // its type, "ext4"; empty: unknown
  std::uint64_t free_octets = 0;           // for users without privilege
  std::optional<spool::QuotaState> quota;  // nothing: unknown
};

// Inspects the mailbox as this process's user, for a message of `size` octets. Counts the mailbox
// if necessary. May block as long as the mailbox's disk does.
Inspection inspect(sys::Files& files, const sys::Fd& spool, spool::Quotas& quotas,
                   const Mailbox& mailbox, std::uint64_t size);

}  // namespace handoff::delivery
