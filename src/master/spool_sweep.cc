// The sweep of the spool: an errand, at the start and by the clock.
#include <sysexits.h>

#include "base/text.hh"
#include "master/errand.hh"
#include "master/state.hh"
#include "sys/pipe.hh"

namespace handoff::master {
namespace {

constexpr std::chrono::hours kSweepLimit{1};  // how long one may take

}  // namespace

void Master::sweep_spool() {
  auto every = config().spool.sweep_every;
  auto now = sys::Steady::now();
  bool due = !swept_when_ || (every.count() > 0 && now >= *swept_when_ + every);
  if (!due || spool_sweeper_ != 0 || ready_generation_ == 0 || !serving()) return;
  swept_when_ = now;
  auto work = [this](const sys::Fd& words) {
    // It may take long, and should not hold them against the next master where this one is killed.
    listeners_.abandon();
    auto swept = wiring_.sweep(config(), *log_);
    auto text = swept ? std::to_string(swept.value()) : swept.error().describe();
    sys::put(words, text);
    return swept ? EX_OK : EX_TEMPFAIL;
  };
  spool_sweeper_ = run_errand(loop_, children_, kSweepLimit, work, [this](const Report& report) {
    spool_sweeper_ = 0;
    if (report.ok) {
      workers_.add(board::Counter::kSwept, parse_number(report.text).value_or(0));
    } else if (serving()) {
      log_->warning("cannot sweep", {{"cause", report.text}});
    }
    stop_if_empty();
  });
}

}  // namespace handoff::master
