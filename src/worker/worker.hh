// A worker process: accepts on the listeners it inherited, one connection at a time.
#pragma once

#include "base/result.hh"
#include "board/inheritance.hh"
#include "conf/config.hh"
#include "sys/log.hh"

namespace handoff::worker {

// Becomes `config.user` if root, then serves until SIGTERM, the master's end, or
// workers.max-transactions. Returns the exit code (sysexits.h).
int run(const conf::Config& config, const sys::Log& log, const board::Inheritance& inherited);

// Becomes config.user where the process is root. The error says what to set where it may not stay
// root (exit code EX_CONFIG).
Status drop_privileges(const conf::Config& config);

}  // namespace handoff::worker
