// How long a server that failed is left alone: nobody waits for it at every recipient meanwhile.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/result.hh"
#include "sys/clock.hh"

namespace handoff::recipients {

class Backoff {
 public:
  bool holds(sys::Steady::time_point now) const { return failures_ > 0 && now < until_; }
  // Requires that failed() was called.
  const Error& cause() const { return cause_; }

  // The first failure holds nothing up: a server that was restarted is there again at once.
  void failed(Error cause, sys::Steady::time_point now) {
    cause_ = std::move(cause);
    until_ = now + (failures_ == 0 ? std::chrono::milliseconds(0)
                                   : std::min(kLongest, kFirst * (1 << std::min(failures_, 10))));
    ++failures_;
  }
  void succeeded() { failures_ = 0; }

 private:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kLongest{5000};
  int failures_ = 0;  // in a row
  sys::Steady::time_point until_;
  Error cause_;
};

}  // namespace handoff::recipients
