// Looks in a mailbox for a message that was delivered there before, by its name and its content.
#pragma once

#include <optional>
#include <string>

#include "base/result.hh"
#include "spool/staging.hh"
#include "sys/files.hh"

namespace handoff::spool {

// The name below `place` ("new/…" or "cur/…") of the file that was delivered as `name` and whose
// content, behind its trace header, is that of `staging`. Nothing where there is none. What is
// found is made durable. Reads the directories new/ and cur/, whole. May block.
Result<std::optional<std::string>> find_earlier_copy(sys::Files& files, const sys::Fd& place,
                                                     const std::string& name,
                                                     const Staging& staging);

}  // namespace handoff::spool
