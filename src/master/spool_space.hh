// The room on the spool's filesystem, found out by a child: where that filesystem does not answer,
// as one behind a network may, the master does all the same.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "base/result.hh"
#include "master/children.hh"
#include "master/event_loop.hh"
#include "sys/clock.hh"
#include "sys/files.hh"

namespace handoff::master {

class SpoolSpace {
 public:
  // Both outlive the object.
  SpoolSpace(EventLoop& loop, Children& children) : loop_(loop), children_(children) {}

  // Calls `then` when last() is of this moment: at once, or after some seconds at the most, then
  // with nothing. `measure` is called in a child.
  void ask(const std::function<Result<sys::Space>()>& measure, std::function<void()> then);
  // Nothing: it could not be asked.
  const std::optional<sys::Space>& last() const { return last_; }

 private:
  EventLoop& loop_;
  Children& children_;
  std::optional<sys::Space> last_;
  std::optional<sys::Steady::time_point> when_;
  pid_t child_ = 0;  // that asked last
  std::vector<std::function<void()>> waiting_;
};

}  // namespace handoff::master
