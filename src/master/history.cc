#include "master/history.hh"

#include <algorithm>
#include <functional>
#include <utility>

namespace handoff::master {
namespace {

constexpr std::size_t kSamples = 61;  // a minute between the first and the last
constexpr std::size_t kFailures = 10;
constexpr std::chrono::minutes kWindow{1};

double seconds_between(History::Time from, History::Time to) {
  return std::chrono::duration<double>(to - from).count();
}

// Returns the number of them within the last minute; earlier ones are dropped.
std::uint64_t recent_of(std::deque<History::Time>& times, History::Time now) {
  while (!times.empty() && times.front() < now - kWindow) times.pop_front();
  return times.size();
}

}  // namespace

void History::record(const board::Totals& totals, Time now) {
  samples_.push_back({now, totals});
  if (samples_.size() > kSamples) samples_.pop_front();
}

void History::record_failure(const board::Slot& slot, std::uint64_t& seen) {
  auto count = slot.failures.load();
  if (count == seen) return;
  seen = count;
  add({static_cast<std::int64_t>(slot.failed_at / 1000), slot.failure.get(),
       slot.failed_address.get()});
}

void History::record_death(Time now, board::Failure failure) {
  deaths_.push_back(now);
  add(std::move(failure));
}

void History::add(board::Failure failure) {
  failures_.push_front(std::move(failure));
  std::ranges::stable_sort(failures_, std::greater(), &board::Failure::when);
  if (failures_.size() > kFailures) failures_.pop_back();
}

board::Window History::minute(const board::Totals& totals, Time now) {
  using board::Counter;
  board::Window out;
  out.deaths = recent_of(deaths_, now);
  out.delivery_deaths = recent_of(delivery_deaths_, now);
  if (samples_.empty()) return out;
  const auto& first = samples_.front();
  out.seconds = seconds_between(first.when, now);
  if (out.seconds <= 0) return out;
  auto rate = [&](Counter counter) {
    return static_cast<double>(totals[counter] - first.totals[counter]) / out.seconds;
  };
  out.sessions = rate(Counter::kSessions);
  out.recipients = rate(Counter::kDelivered);
  out.octets = rate(Counter::kOctets);
  for (std::size_t i = 0; i < board::kStages; ++i) {
    out.stages[i] = totals.stages[i] - first.totals.stages[i];
  }
  return out;
}

std::vector<double> History::recent() const {
  std::vector<double> out;
  for (std::size_t i = 1; i < samples_.size(); ++i) {
    const auto& before = samples_[i - 1];
    const auto& after = samples_[i];
    auto seconds = std::max(seconds_between(before.when, after.when), 1e-3);
    out.push_back(static_cast<double>(after.totals[board::Counter::kDelivered] -
                                      before.totals[board::Counter::kDelivered]) /
                  seconds);
  }
  return out;
}

}  // namespace handoff::master
