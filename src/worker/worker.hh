// A worker process: accepts connections on the inherited listeners, one at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.hh"
#include "board/board.hh"
#include "conf/config.hh"
#include "sys/fd.hh"
#include "sys/log.hh"
#include "worker/services.hh"

namespace handoff::worker {

// What a worker inherits from the master when it is forked. All of it must outlive the worker.
struct Inheritance {
  std::vector<const sys::Fd*> listeners;
  const board::Board& board;
  std::size_t own_slot;
  const sys::Fd& life;     // reports end of file when the master has ended
  const sys::Fd& wakeup;   // writing an octet makes the master check the pool
  Companions& companions;  // given to the worker's services
  // Serve the connections that wait on the listeners, then end: the listeners are about to be
  // closed.
  bool until_empty = false;
};

// The exit code of a worker whose spool is gone (spool::Spool::gone()): new workers have to replace
// all others.
inline constexpr int kSpoolGone = 66;  // EX_NOINPUT

// Becomes `config.user` if root, then serves until SIGTERM, the end of the master, or
// workers.max-transactions. `assets`: the result of load_assets(). Calls `on_ready` once, before
// the first accept. Returns the exit code (sysexits.h).
int run(const conf::Config& config, const sys::Log& log, const Assets& assets,
        const Inheritance& inherited, const std::function<void()>& on_ready);

// Becomes config.user if the process is root. If it must not stay root, the error says which
// setting to change (exit code EX_CONFIG).
Status drop_privileges(const conf::Config& config);

}  // namespace handoff::worker
