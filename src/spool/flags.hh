// IMAP flags of a new message in a Maildir, where they are letters at the end of its name in cur/.
// Keywords get the letters a to z, by a file dovecot-keywords in the folder, as Dovecot reads it.
#pragma once

#include <string>
#include <vector>

#include "base/result.hh"
#include "spool/access.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct Flags {
  std::string letters;                // of "DFRST", in alphabetical order
  std::vector<std::string> keywords;  // "$label1"

  bool any() const { return !letters.empty() || !keywords.empty(); }
  bool operator==(const Flags&) const = default;
  // Adds the flags of another copy of the same message.
  void add(const Flags& other);
};

// Returns the flags that these words of IMAP mean. Leaves out those that a message cannot have, and
// keywords after the first 26.
Flags flags_of(const std::vector<std::string>& words);

// ":2,FSab": what follows the name of a message with these flags in the folder `place`. Adds its
// keywords to the folder's list. A delivery waits for them only a moment: if the list is
// full, stays locked or cannot be written, they are left out. May block.
std::string info_suffix(sys::Files& files, const sys::Fd& place, const Flags& flags);

}  // namespace handoff::spool
