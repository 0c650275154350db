// /healthz: whether mail could be delivered now, found out by a probe in a child of its own.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.hh"
#include "master/children.hh"
#include "master/errand.hh"
#include "master/event_loop.hh"
#include "master/http_server.hh"
#include "sys/clock.hh"

namespace handoff::master {

class Health {
 public:
  // Both outlive the object.
  Health(EventLoop& loop, Children& children) : loop_(loop), children_(children) {}

  // Replies 200 or 503, later. There is one probe at a time, however many ask, and its result
  // stands for a moment. `probe` is called in a child.
  void ask(const Exchange& exchange, const std::function<Status()>& probe);

 private:
  EventLoop& loop_;
  Children& children_;
  std::optional<Report> last_;
  sys::Steady::time_point when_{};
  pid_t child_ = 0;  // of the last probe
  std::vector<Exchange> asked_;
};

}  // namespace handoff::master
