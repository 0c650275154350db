// Waits for connections on several listening sockets that other processes wait on too. Where the
// kernel can (Linux, EPOLLEXCLUSIVE), one connection wakes one process; elsewhere it wakes all, and
// all but one find nothing.
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
    std::size_t listener;  // kConnection: which; another process may be faster
  };
  // Waits for as long as it takes. A stop does not wait for anything else that may be there too.
  // Requires catch_stop_signal().
  Event wait();

 private:
  Arrivals() = default;
  Fd epoll_;                 // empty: fds_ is polled
  std::vector<pollfd> fds_;  // the listeners, then life
  // Where the look at fds_ begins, so that no listener starves another.
  [[maybe_unused]] std::size_t next_ = 0;
};

}  // namespace handoff::sys
