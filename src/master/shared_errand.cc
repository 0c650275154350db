#include "master/shared_errand.hh"

#include <utility>

namespace handoff::master {

void SharedErrand::ask(const std::function<int(const sys::Fd& words)>& work, Then then) {
  bool stands = last_ && sys::Steady::now() < when_ + stands_;
  if (stands) return then(*last_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  auto tell = [this](const Report& report) {
    for (const auto& each : std::exchange(waiting_, {})) each(report);
  };
  // One that not even a signal ends is not joined by others.
  if (children_.has(child_)) return tell({false, "an earlier probe hangs"});
  child_ = run_errand(loop_, children_, limit_, work, [this, tell](const Report& report) {
    last_ = report;
    when_ = sys::Steady::now();
    tell(report);
  });
}

}  // namespace handoff::master
