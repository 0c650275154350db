// The process beside a worker that asks databases, directories and other servers about recipients
// (recipients/lookup_process.hh). It has their passwords, may connect to them, and reads nothing
// from clients.
#pragma once

#include "base/result.hh"
#include "conf/config.hh"
#include "recipients/modules.hh"
#include "sys/fd.hh"
#include "sys/log.hh"
#include "sys/sandbox.hh"

namespace handoff::worker {

// Returns whether a lookup of the configuration needs such a process.
bool needs_lookup_process(const conf::Config& config);
// Adds the needs of a process that asks the servers in recipients.lookup.
void add_lookup_needs(sys::Needs& needs, const conf::Config& config);

// Becomes config.user if root, and serves the worker at the other end of `socket` until it closes
// its end. For a process of its own; closes every other descriptor. `modules`: those of the
// configuration, opened. Returns the exit code (sysexits.h). Blocks.
int serve_lookups(const conf::Config& config, const sys::Log& log,
                  const recipients::Modules& modules, const sys::Fd& socket);

// Starts a lookup process for this process, and returns this end of its socket.
Result<sys::Fd> start_lookups(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::worker
