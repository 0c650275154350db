#include "master/health.hh"
#include "sys/pipe.hh"

#include <sysexits.h>

#include <utility>

namespace handoff::master {
namespace {

using std::chrono::seconds;

// How long a probe may take, and for how long its result stands.
constexpr seconds kProbeLimit{5};
constexpr seconds kProbeStands{2};

void say(const Exchange& to, const Report& report) {
  to.reply(report.ok ? 200 : 503, "text/plain", report.ok ? "ok\n" : report.text + "\n");
}

}  // namespace

void Health::ask(const Exchange& exchange, const std::function<Status()>& probe) {
  bool stands = last_ && sys::Steady::now() < when_ + kProbeStands;
  if (stands) return say(exchange, *last_);
  asked_.push_back(exchange);
  if (asked_.size() > 1) return;
  // One that not even a signal ends is not joined by others.
  if (children_.has(child_)) {
    asked_.clear();
    return say(exchange, {false, "an earlier probe hangs"});
  }
  auto work = [probe](const sys::Fd& words) {
    auto healthy = probe();
    if (healthy) return EX_OK;
    sys::put(words, healthy.error().describe());
    return EX_UNAVAILABLE;
  };
  child_ = run_errand(loop_, children_, kProbeLimit, work, [this](const Report& report) {
    last_ = report;
    when_ = sys::Steady::now();
    for (const auto& each : std::exchange(asked_, {})) say(each, report);
  });
}

}  // namespace handoff::master
