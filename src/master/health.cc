#include "master/health.hh"

#include <sysexits.h>

#include "sys/pipe.hh"

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

Health::Health(EventLoop& loop, Children& children)
    : errand_(loop, children, kProbeLimit, kProbeStands) {}

void Health::ask(const Exchange& exchange, const std::function<Status()>& probe) {
  auto work = [probe](const sys::Fd& words) {
    auto healthy = probe();
    if (healthy) return EX_OK;
    sys::put(words, healthy.error().describe());
    return EX_UNAVAILABLE;
  };
  errand_.ask(work, [exchange](const Report& report) { say(exchange, report); });
}

}  // namespace handoff::master
