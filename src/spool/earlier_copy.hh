// Looks in a mailbox for a message that was delivered there before, by name and content.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "spool/staged.hh"
#include "sys/files.hh"

namespace handoff::spool {

struct EarlierCopy {
  std::string name;  // one of the names that were searched for
  std::string file;  // relative to `place`: "new/…" or "cur/…"
};

// Returns a file that was delivered under one of `names` (NAME or NAME,S=size) and has the content
// of `staged` after the trace header of that attempt; nothing if there is none. Makes the file
// durable. ENFILE and similar errors if this cannot be decided. Reads the directories new/ and cur/
// once. May block.
Result<std::optional<EarlierCopy>> find_earlier_copy(sys::Files& files, const sys::Fd& place,
                                                     const std::vector<std::string>& names,
                                                     const Staged& staged);

// Returns whether `earlier`, which was staged under `name`, has the content of `staged` after its
// trace header. `file` is the open staged file. May block.
Result<bool> is_same_message(sys::Files& files, const sys::Fd& earlier, const std::string& name,
                             const Staged& staged, const sys::Fd& file);

}  // namespace handoff::spool
