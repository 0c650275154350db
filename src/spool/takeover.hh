// What a host does with the messages that another host, whose spool it takes over, had in progress
// (lease.hh).
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// `own` is SPOOL/.handoff. `taken` contains the messages; the earlier host can publish nothing more
// of them. Records that each may be sent again, then decides about what scripts wanted to send
// because of it, and only then removes it. After an error, call it again. `between` is called
// often, and ends the work by an error. Returns the number of messages. May block.
Result<std::size_t> settle(sys::Files& files, const sys::Fd& own, const sys::Fd& taken,
                           const std::function<Status()>& between);

}  // namespace handoff::spool
