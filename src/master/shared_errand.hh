// An errand that many may ask for at once: one child runs for all of them, and what it says stands
// for a while.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "master/children.hh"
#include "master/errand.hh"
#include "master/event_loop.hh"
#include "sys/clock.hh"

namespace handoff::master {

class SharedErrand {
 public:
  // `loop` and `children` outlive the object. `limit`: after it the child is killed; `stands`: for
  // how long its report is as good as a new one.
  SharedErrand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
               std::chrono::milliseconds stands)
      : loop_(loop), children_(children), limit_(limit), stands_(stands) {}

  // Calls `then` with a report: at once where one stands or none can be had, else after `limit` at
  // the most. `work` is that of run_errand().
  using Then = std::function<void(const Report&)>;
  void ask(const std::function<int(const sys::Fd& words)>& work, Then then);

 private:
  EventLoop& loop_;
  Children& children_;
  std::chrono::milliseconds limit_;
  std::chrono::milliseconds stands_;
  std::vector<Then> waiting_;
  pid_t child_ = 0;  // the last
  std::optional<Report> last_;
  sys::Steady::time_point when_;
};

}  // namespace handoff::master
