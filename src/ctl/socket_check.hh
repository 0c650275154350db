// The doctor's look at one listening socket.
#pragma once

#include "base/endpoint.hh"
#include "conf/config.hh"
#include "ctl/report.hh"
#include "sys/files.hh"

namespace handoff::ctl {

// Whether a client would be greeted there; of a unix socket also mode, owner and group. Waits a few
// seconds for a server that keeps silent.
void check_socket(sys::Files& files, const conf::Config& config, const Endpoint& endpoint,
                  Report& report);

}  // namespace handoff::ctl
