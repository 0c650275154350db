// A worker process: accepts on the listeners it inherited, one connection at a time.
#pragma once

#include <functional>

#include "base/result.hh"
#include "board/inheritance.hh"
#include "conf/config.hh"
#include "sys/log.hh"
#include "worker/services.hh"

namespace handoff::worker {

// Becomes `config.user` if root, then serves until SIGTERM, the master's end, or
// workers.max-transactions. `assets`: what load_assets() read while it could. `on_ready` is called
// once, before the first accept. Returns the exit code (sysexits.h).
int run(const conf::Config& config, const sys::Log& log, const Assets& assets,
        const board::Inheritance& inherited, const std::function<void()>& on_ready);

// Becomes config.user where the process is root. The error says what to set where it may not stay
// root (exit code EX_CONFIG).
Status drop_privileges(const conf::Config& config);

}  // namespace handoff::worker
