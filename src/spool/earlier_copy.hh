// Looks in a mailbox for a message that was delivered there before, by its name and its content.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "spool/staged.hh"
#include "sys/files.hh"

namespace handoff::spool {

// A try before this one.
struct EarlierCopy {
  std::string name;  // one of those that were asked for
  std::string file;  // below `place`: "new/…" or "cur/…"
};

// A file that was delivered as one of `names` and whose content, behind the trace header of that
// try, is that of `staged`. Nothing where there is none. What is found is made durable; ENFILE and
// the like where it cannot be told. Reads the directories new/ and cur/, whole, once. May block.
Result<std::optional<EarlierCopy>> find_earlier_copy(sys::Files& files, const sys::Fd& place,
                                                     const std::vector<std::string>& names,
                                                     const Staged& staged);

}  // namespace handoff::spool
