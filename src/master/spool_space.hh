// The room on the spool's filesystem, found out by a child: where that filesystem does not answer,
// as one behind a network may, the master does all the same.
#pragma once

#include <functional>
#include <optional>

#include "base/result.hh"
#include "master/children.hh"
#include "master/event_loop.hh"
#include "master/shared_errand.hh"
#include "sys/files.hh"

namespace handoff::master {

class SpoolSpace {
 public:
  // Both outlive the object.
  SpoolSpace(EventLoop& loop, Children& children);

  // Calls `then` when last() is of this moment: at once, or after some seconds at the most, then
  // with nothing. `measure` is called in a child.
  void ask(const std::function<Result<sys::Space>()>& measure, std::function<void()> then);
  // Nothing: it could not be asked.
  const std::optional<sys::Space>& last() const { return last_; }

 private:
  SharedErrand errand_;
  std::optional<sys::Space> last_;
};

}  // namespace handoff::master
