// Tests whether mail could be delivered, before a new configuration or program is used. Each
// function irrevocably becomes config.user, so it must run in a process of its own.
#pragma once

#include "base/result.hh"
#include "conf/config.hh"
#include "sys/log.hh"
#include "worker/services.hh"

namespace handoff::worker {

// Loads everything that is configured, opens spool and lookups, creates a file in staging, and runs
// a session (LHLO, QUIT) with itself. `images`: blank_images() of the configuration, which this
// function fills for the process that created them.
Status try_out(const conf::Config& config, const sys::Log& log,
               const recipients::TableImages& images);
// The same, with tables for this process only.
Status try_out(const conf::Config& config, const sys::Log& log);

}  // namespace handoff::worker
