// Something that takes long, or meets the network, or must not be done as root: done by a child,
// while the master goes on. It comes back with success, or with words why not.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "master/children.hh"
#include "master/event_loop.hh"
#include "sys/fd.hh"

namespace handoff::master {

struct Report {
  bool ok = false;
  std::string text;  // why not; at most a few lines
};

// `work` runs in the child; what it writes to the descriptor is the text, its result the exit code,
// 0 being success. `done` is called once, later, or at once where there can be no child. After
// `limit` the child is killed, and `done` called though it may not have ended yet. Returns its
// process id, 0 where there is none.
pid_t run_errand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
                 const std::function<int(const sys::Fd& words)>& work,
                 std::function<void(const Report&)> done);

}  // namespace handoff::master
