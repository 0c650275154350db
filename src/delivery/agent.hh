// The delivery process of a worker. It runs as root and has no network descriptors. For each
// request it forks a child, which becomes the owner of the mailbox; it does nothing else.
#pragma once

#include <functional>

#include "base/result.hh"
#include "conf/config.hh"
#include "recipients/table.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// Returns whether a delivery process is needed: mailboxes may have owners, and this process could
// become them.
bool is_needed(const conf::Config& config);

// Serves the worker at the other end of `socket` (sys/message_socket.hh) until it closes its end.
// Runs in a process of its own, forked from the master, and closes every other descriptor. Returns
// the exit code (sysexits.h). Blocks.
int serve(const conf::Config& config, const sys::Log& log, const recipients::Tables& tables,
          const sys::Fd& socket);

// Starts a delivery process for this process, and returns this end of its socket. The new process
// calls `first` before it serves.
Result<sys::Fd> start(const conf::Config& config, const sys::Log& log,
                      const recipients::Tables& tables, const std::function<void()>& first = {});

}  // namespace handoff::delivery
