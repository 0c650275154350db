// The file maildirsize of Maildir++: what a mailbox contains, so that its messages need not be
// counted for each delivery. Courier, Dovecot, maildrop and Exim keep the same file by these rules:
//
//   - The first line has the limits: "1000000S,500C". If they differ from ours, the mailbox is
//     counted again.
//   - Each further line is a number to add, "octets messages"; both may be negative.
//   - A program that changes the mailbox appends a line with a single write.
//   - If the file has 5120 octets or more, the mailbox is counted again; likewise if the file says
//   that
//     the mailbox is full and it has several such lines or is older than 15 minutes.
//   - Counting covers the names in new/ and cur/ of the inbox and of all folders. The new file
//     replaces the old one atomically, and only if no directory has changed meanwhile.
//
// As in Dovecot, .Trash and deleted messages count. Courier does not count them by default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hh"
#include "spool/quota.hh"
#include "sys/clock.hh"
#include "sys/files.hh"

namespace handoff::spool {

// The content of the file.
struct Maildirsize {
  std::optional<QuotaUse> use;  // nothing: the file is missing or malformed
  bool recount = false;         // the rules above require a new count
};

// Reads the file in `mailbox`, before a message of `size` octets is delivered. May block.
Result<Maildirsize> read_maildirsize(sys::Files& files, const sys::Fd& mailbox,
                                     const QuotaLimits& limits, std::uint64_t size,
                                     sys::Wall::time_point now);

// Adds one message of `size` octets if the file exists. If that fails, removes the file, because it
// is now wrong. May block.
Status add_to_maildirsize(sys::Files& files, const sys::Fd& mailbox, std::uint64_t size);

// The file is wrong: removes it, so that the next process that needs it counts the mailbox.
void forget_maildirsize(sys::Files& files, const sys::Fd& mailbox);

// Counts the mailbox and writes the file; `temporary` is an unused name in the mailbox. Returns the
// result. May block for a long time: reads all directories, and the size of each message that has
// none in its name.
Result<QuotaUse> recount_maildirsize(sys::Files& files, const sys::Fd& mailbox,
                                     const QuotaLimits& limits, const std::string& temporary);

}  // namespace handoff::spool
