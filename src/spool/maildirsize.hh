// The file maildirsize of Maildir++: what a mailbox holds, in a few lines, so that nobody need
// count. Courier, Dovecot, maildrop and Exim keep the same file, by the same rules:
//
//   - The first line has the limits: "1000000S,500C". Where they are not ours the file is counted
//     anew.
//   - Each further line is a sum to be added, "octets messages"; either may be negative.
//   - Who changes the mailbox appends a line, by one write.
//   - A file of 5120 octets or more is counted anew; so is one that says that the mailbox is full,
//     if it has more than one sum or is older than 15 minutes.
//   - Counted are the names in new/ and cur/ of the inbox and of all folders. The new file takes
//     the place of the old one at once, and only if no directory has changed in the meantime.
//
// As Dovecot, and other than Courier without its trash quota, .Trash and deleted messages count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hh"
#include "spool/quota.hh"
#include "sys/clock.hh"
#include "sys/files.hh"

namespace handoff::spool {

// What the file says.
struct Maildirsize {
  std::optional<QuotaUse> use;  // nothing: there is no file, or none that can be read as one
  bool recount = false;         // the rules above ask for it
};

// Reads it in `mailbox`, for a message of `size` octets that is to come. May block.
Result<Maildirsize> read_maildirsize(sys::Files& files, const sys::Fd& mailbox,
                                     const QuotaLimits& limits, std::uint64_t size,
                                     sys::Wall::time_point now);

// Adds one message of `size` octets, if the file is there. Where that fails the file is removed: it
// would be wrong. May block.
Status add_to_maildirsize(sys::Files& files, const sys::Fd& mailbox, std::uint64_t size);

// It is wrong, and is to be counted anew by whoever needs it next.
void forget_maildirsize(sys::Files& files, const sys::Fd& mailbox);

// Counts the mailbox and writes the file; `temporary` is a name in the mailbox that is free.
// Returns what was counted. May block for long: reads all directories, and asks for the size of
// each message that has none in its name.
Result<QuotaUse> recount_maildirsize(sys::Files& files, const sys::Fd& mailbox,
                                     const QuotaLimits& limits, const std::string& temporary);

}  // namespace handoff::spool
