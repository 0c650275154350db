// Work that is slow, uses the network, or must not be done as root. A child does it while the
// master continues, and reports success or the reason for a failure.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "master/children.hh"
#include "status/event_loop.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::master {

using status::EventLoop;

struct Report {
  bool ok = false;
  std::string text;    // the reason or the result; at most a few lines
  std::string output;  // what the child wrote, whether or not it finished
};

// Runs in the child: writes the report's text to the descriptor and returns the exit code (0:
// success).
using Work = std::function<int(const sys::Fd& text)>;
using Then = std::function<void(const Report&)>;

// Calls `done` exactly once: later, or immediately if no child can be started. After `limit` the
// child is killed and `done` is called, even if the child has not ended yet. Returns the child's
// process id; 0 if there is none.
pid_t run_errand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
                 const Work& work, Then done);

// An errand for several callers at once: one child runs for all of them, and its report stays valid
// for some time.
class SharedErrand {
 public:
  // `loop` and `children` must outlive the object.
  SharedErrand(EventLoop& loop, Children& children, std::chrono::milliseconds limit,
               std::chrono::milliseconds valid)
      : loop_(loop), children_(children), limit_(limit), valid_(valid) {}

  // Calls `then` with a report: immediately if one is valid or none can be had, otherwise within
  // `limit`.
  void ask(const Work& work, Then then);

 private:
  EventLoop& loop_;
  Children& children_;
  std::chrono::milliseconds limit_;
  std::chrono::milliseconds valid_;
  std::vector<Then> waiting_;
  pid_t child_ = 0;  // the most recent one
  std::optional<Report> last_;
  sys::Steady::time_point when_;
};

}  // namespace handoff::master
