// The sweep of all of the spool, staging and mailboxes: an errand of the master's.
#pragma once

#include "base/result.hh"
#include "conf/config.hh"
#include "sys/log.hh"

namespace handoff::worker {

// In a process of its own, which may be killed at any moment. Returns how many files were removed;
// the log tells of them. Blocks, and takes long in a large spool.
Result<unsigned> sweep_spool(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::worker
