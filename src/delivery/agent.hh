// The delivery process beside a worker: root, without any descriptor of the network, and it does
// nothing but become the owner of a mailbox, in a child, for one request at a time.
#pragma once

#include <functional>

#include "base/result.hh"
#include "conf/config.hh"
#include "recipients/table.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::delivery {

// Whether there has to be one: mailboxes may have owners, and this process could become them.
bool is_needed(const conf::Config& config);

// Serves the worker at the other end of `socket` (sys/message_socket.hh) until that closes its end.
// For a process of its own, forked from the master: closes every other descriptor. Returns the exit
// code (sysexits.h). Blocks.
int serve(const conf::Config& config, const sys::Log& log, const recipients::Tables& tables,
          const sys::Fd& socket);

// Starts one for a worker that this process is itself; returns the worker's end of the socket.
// `first`: what it does before it serves.
Result<sys::Fd> start(const conf::Config& config, const sys::Log& log,
                      const recipients::Tables& tables, const std::function<void()>& first = {});

}  // namespace handoff::delivery
