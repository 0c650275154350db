// The quotas of mailboxes, which are stored in their maildirsize. A separate process counts a
// mailbox if necessary, so that it does not delay others.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/quota.hh"
#include "sys/command.hh"
#include "sys/files.hh"

namespace handoff::spool {

class Quotas {
 public:
  // `files` and `root` (the spool) must outlive the object. `limits`: for mailboxes without limits
  // of their own. `patience`: how long a delivery waits for a count.
  Quotas(sys::Files& files, const sys::Fd& root, QuotaLimits limits,
         std::chrono::milliseconds patience)
      : files_(&files), root_(&root), limits_(limits), patience_(patience) {}

  QuotaLimits limits_of(const Mailbox& mailbox) const;
  // Returns limits and usage of the mailbox before a message of `size` octets. If the mailbox must
  // be counted, one process at a time does so. If that takes longer than `patience`, the function
  // returns and that process continues. Fails if the mailbox cannot be read.
  enum class Counts { kIfNeeded, kNever };
  Result<QuotaState> state(const Mailbox& mailbox, std::uint64_t size,
                           Counts counts = Counts::kIfNeeded);
  // EDQUOT (Reason::kOverQuota, kMaybeOverQuota) if a message of `size` octets has no room. Accepts
  // any message if the usage is unknown.
  static Status check(const QuotaState& state, std::uint64_t size);

  // A message of `size` octets has been added to the mailbox.
  void add(const Mailbox& mailbox, std::uint64_t size);
  // The mailbox may contain a message that was not counted: the next delivery counts.
  void mark_uncertain(const Mailbox& mailbox);

 private:
  // A count that continues on its own.
  struct Counting {
    sys::Watcher process;
    std::string mailbox;
  };
  Result<sys::Fd> open_inbox(Mailbox mailbox);
  bool recount(const Mailbox& mailbox, const QuotaLimits& limits, const sys::Fd& inbox);

  sys::Files* files_;
  const sys::Fd* root_;
  QuotaLimits limits_;
  std::chrono::milliseconds patience_;
  std::vector<Counting> counting_;
};

}  // namespace handoff::spool
