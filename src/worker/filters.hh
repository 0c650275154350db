// The process beside a worker that runs the Sieve scripts of recipients (filter/process.hh).
#pragma once

#include "base/result.hh"
#include "conf/config.hh"
#include "sieve/engine.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::worker {

// Returns whether workers have such a process.
bool needs_filter_process(const conf::Config& config);

// Becomes config.user if root, gives up all files and sockets, and serves the worker at the other
// end of `socket` until it closes its end. For a process of its own; closes every other descriptor.
// Returns the exit code (sysexits.h). Blocks.
int serve_filter(const conf::Config& config, const sys::Log& log, const sieve::Engine& engine,
                 const sys::Fd& socket);

// Starts a filter process for this process, and returns this end of its socket.
Result<sys::Fd> start_filter(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::worker
