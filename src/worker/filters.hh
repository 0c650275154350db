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

// Starts filter processes for the worker at the other end of `socket`: each message carries the
// socket of a new filter process, which replaces the previous one. So a script that crashes its
// process does not keep the worker from running those of other recipients. Becomes config.user if
// root; reads no mail and no script. Returns the exit code (sysexits.h) when the worker has ended,
// after the last filter process. For a process of its own; closes every other descriptor. Blocks.
int start_filters(const conf::Config& config, const sys::Log& log, const sieve::Engine& engine,
                  const sys::Fd& socket);

// Starts such a process for this process, and returns this end of its socket.
Result<sys::Fd> start_filter(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::worker
