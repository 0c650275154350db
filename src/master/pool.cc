#include "master/pool.hh"

#include <algorithm>

namespace handoff::master {
namespace {

constexpr unsigned kMaxStep = 32;  // workers started at once
constexpr unsigned kReserved = 8;  // one worker in this many is reserved
constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::seconds kMaxDelay{60};
constexpr std::chrono::seconds kRetireEvery{1};

}  // namespace

PoolAction Pool::decide(const PoolView& view, Time now) {
  PoolAction action;
  unsigned total = view.starting + view.idle + view.busy + view.aside;
  unsigned ready = view.starting + view.idle;
  bool full = ready == 0 && total >= settings_.max;
  action.became_full = full && !full_;
  action.eased = full_ && view.idle > 0;
  if (action.became_full || action.eased) full_ = full;
  if (ready < settings_.min_idle && total < settings_.max) {
    if (throttled(now)) return action;
    action.start = std::min(std::max(step_, settings_.min_idle - ready), settings_.max - total);
    step_ = std::min(step_ * 2, kMaxStep);
    return action;
  }
  // While workers are starting, the step is kept, because they may turn out to be too few.
  if (view.starting == 0) step_ = 1;
  if (view.idle > settings_.max_idle && now >= next_retirement_) {
    action.retire = 1;
    next_retirement_ = now + kRetireEvery;
  }
  return action;
}

void Pool::died(Time now) {
  step_ = 1;  // if more were started, they would probably die too
  // Workers that were started together die together; this is delayed once.
  if (throttled(now)) return;
  ++throttles_;
  delay_ = std::clamp(delay_ * 2, kFirstDelay, kMaxDelay);
  not_before_ = now + delay_;
}

std::optional<std::size_t> reservation(unsigned max, unsigned general,
                                       const std::vector<unsigned>& reserved) {
  if (reserved.size() < 2) return std::nullopt;
  auto listeners = static_cast<unsigned>(reserved.size());
  auto all = std::max(max / kReserved / listeners, 1U) * listeners;
  if (all > max / 2 || general < max - all) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::min_element(reserved) - reserved.begin());
}

std::optional<std::chrono::seconds> patience(board::State state, const conf::Config& config) {
  using board::State;
  auto own = config.workers.progress_timeout;
  switch (state) {
    case State::kIdle:
      return std::nullopt;
    case State::kGreeting:
    case State::kCommand:
    case State::kReply:
      return own + config.session.command_timeout;
    case State::kData:
      return own + config.session.data_timeout;
    case State::kStarting:
    case State::kLookup:
    case State::kStaging:
    case State::kSync:
    case State::kCommit:
      break;
  }
  return own;
}

}  // namespace handoff::master
