// The quota of mailboxes, kept in their maildirsize. What takes long is done beside the worker, so
// that a mailbox that must be counted holds up no other.
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

// What Error says, with EDQUOT, where it is not the filesystem that is full: whether another try
// could find room at once.
inline constexpr char kOverQuota[] = "over quota";
inline constexpr char kMaybeOverQuota[] = "over quota, as far as is known";

class QuotaBook {
 public:
  // `files` and `root` (the spool) outlive the object. `limits`: of mailboxes that have none of
  // their own. `patience`: how long a count is waited for.
  QuotaBook(sys::Files& files, const sys::Fd& root, QuotaLimits limits,
            std::chrono::milliseconds patience)
      : files_(&files), root_(&root), limits_(limits), patience_(patience) {}

  QuotaLimits limits_of(const Mailbox& mailbox) const;
  // How the mailbox stands, for a message of `size` octets that is to come. A mailbox that must be
  // counted is counted by a process of its own, of which there is one at a time for a mailbox,
  // whoever asks; where that takes longer than we wait, it goes on alone. An error where the
  // mailbox cannot be read.
  enum class Counts { kIfNeeded, kNot };
  Result<Standing> standing(const Mailbox& mailbox, std::uint64_t size,
                            Counts counts = Counts::kIfNeeded);
  // EDQUOT with one of the words above where a message of `size` octets has no room. What cannot be
  // told refuses nothing.
  static Status check(const Standing& standing, std::uint64_t size);

  // A message of `size` octets is in the mailbox now, or may be in it twice counted.
  void added(const Mailbox& mailbox, std::uint64_t size);
  void uncertain(const Mailbox& mailbox);

 private:
  // A count that goes on beside us.
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
