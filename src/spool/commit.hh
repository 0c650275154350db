// From staging into a mailbox: the states "linked" and "handed over" of README. One call, one
// result; a delivery process of another user can stand behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/name.hh"
#include "spool/quota.hh"
#include "spool/staged.hh"
#include "spool/staging.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct Delivered {
  std::string file;        // name in new/
  std::uint64_t size = 0;  // octets
  bool copied = false;     // not a hard link to the staged file
  bool already = false;    // by an earlier try of the same message: nothing was written
  // Of the mailbox with this message in it, where it has limits and they can be told.
  std::optional<Standing> quota = {};
};

// Puts the completed `staging` into `mailbox`. With success it is durable there: 250 may be said.
// With an error nothing of it is visible. `personal`: header lines (ending in CRLF, or LF where the
// spool's newline is LF) for this recipient alone, put behind the first line of a copy of its own.
// The mailbox being on another filesystem also makes a copy, through its tmp/. May block.
Result<Delivered> commit(sys::Files& files, const sys::Fd& root, const Staging& staging,
                         const Mailbox& mailbox, std::string_view personal, NameMaker& names);

// The same by a copy, whatever could be linked: a file of the process's own user, under the staged
// one's name. `personal` lines end as the file's do.
Result<Delivered> commit_copy(sys::Files& files, const sys::Fd& root, const Staged& staged,
                              const Mailbox& mailbox, std::string_view personal, NameMaker& names);

}  // namespace handoff::spool
