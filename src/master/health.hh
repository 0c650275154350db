// /healthz: whether mail could be delivered now, found out by a probe in a child of its own.
#pragma once

#include <functional>

#include "base/result.hh"
#include "master/children.hh"
#include "master/event_loop.hh"
#include "master/http_server.hh"
#include "master/shared_errand.hh"

namespace handoff::master {

class Health {
 public:
  // Both outlive the object.
  Health(EventLoop& loop, Children& children);

  // Replies 200 or 503, later. There is one probe at a time, however many ask, and its result
  // stands for a moment. `probe` is called in a child.
  void ask(const Exchange& exchange, const std::function<Status()>& probe);

 private:
  SharedErrand errand_;
};

}  // namespace handoff::master
