// Sweeps the whole spool, staging and mailboxes: an errand of the master.
#pragma once

#include "base/result.hh"
#include "conf/config.hh"
#include "sys/log.hh"

namespace handoff::worker {

// Runs in a process of its own, which may be killed at any moment. Logs and returns how many files
// it removed. Blocks, and is slow in a large spool.
Result<unsigned> sweep_spool(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::worker
