// The master: binds the sockets, keeps the workers, drains them on SIGTERM. It reads nothing that
// comes from the network. libevent is its loop, and is known in this directory alone.
#pragma once

#include <functional>

#include "board/inheritance.hh"
#include "conf/config.hh"
#include "sys/log.hh"

namespace handoff::master {

// What a worker runs; its result is the exit code of the process. worker/ is not known here.
using WorkerMain = std::function<int(const board::Inheritance&)>;

// Serves until it is stopped; `on_ready` is called once, when the first worker can accept. Returns
// the exit code (sysexits.h): EX_OK after a drain; EX_UNAVAILABLE or EX_OSERR where it could not
// begin; that of the first worker where none ever got ready.
int run(const conf::Config& config, const sys::Log& log, const WorkerMain& worker_main,
        const std::function<void()>& on_ready);

}  // namespace handoff::master
