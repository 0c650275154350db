// Waits for connections on listening sockets that other processes wait on too. On Linux
// (EPOLLEXCLUSIVE) a connection wakes one process; elsewhere it wakes all, and only one gets it.
#pragma once

#include <poll.h>

#include <cstddef>
#include <vector>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

class Arrivals {
 public:
  // `listeners` and `life` outlive the object. `life` is a pipe whose other end the parent holds.
  static Result<Arrivals> watch(std::vector<const Fd*> listeners, const Fd& life);

  enum class What { kConnection, kStop, kParentGone };
  struct Event {
    What what;
    std::size_t listener;  // kConnection: its listener; another process may accept it first
  };
  // Waits without a deadline. A stop is reported before anything else. Requires
  // catch_stop_signal().
  Event wait();

 private:
  Arrivals() = default;
  Fd epoll_;                 // if empty, fds_ is polled
  std::vector<pollfd> fds_;  // the listeners; the last one is `life`
  // The listener of fds_ to check next, so that none starves another.
  [[maybe_unused]] std::size_t next_ = 0;
};

}  // namespace handoff::sys
