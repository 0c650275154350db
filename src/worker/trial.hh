// Whether mail could be delivered: tried before a configuration or a program is trusted, and asked
// by /healthz. Each of these becomes config.user for good, so each wants a process of its own.
#pragma once

#include <vector>

#include "base/endpoint.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "sys/log.hh"
#include "worker/services.hh"

namespace handoff::worker {

// Reads all that is configured, opens spool and lookup, makes a file in staging, and plays a
// session (LHLO, QUIT) with itself. `images`: blank_images() of the configuration; whoever made
// them has the tables then too.
Status try_out(const conf::Config& config, const sys::Log& log,
               const recipients::TableImages& images);
// The same, for nobody else.
Status try_out(const conf::Config& config, const sys::Log& log);

// Has each of `endpoints` greet and say goodbye, but those that want TLS first, within five
// seconds, and brings a file in staging to disk where spool.min-free is left. ENOSPC where it is
// not.
Status probe(const conf::Config& config, const std::vector<Endpoint>& endpoints,
             const sys::Log& log, Assets assets);

}  // namespace handoff::worker
