#include "sys/log_limit.hh"

#include <algorithm>
#include <iterator>

namespace handoff::sys {
namespace {

constexpr std::chrono::seconds kInterval{1};

unsigned limit_of(std::string_view message) {
  static constexpr std::string_view kOutcomes[] = {"deferred", "refused", "discarded",
                                                   "outgoing message sent"};
  bool is_outcome = std::ranges::find(kOutcomes, message) != std::end(kOutcomes);
  return is_outcome ? LogLimit::kRefusalsPerSecond : LogLimit::kLinesPerSecond;
}

}  // namespace

bool LogLimit::allows(std::string_view message, Steady::time_point now) {
  if (message == "delivered") return true;
  auto count = std::ranges::find(counts_, message, &Count::message);
  if (count == counts_.end()) {
    count = counts_.insert(counts_.end(), Count{std::string(message), now});
  }
  if (count->left_out == 0 && now >= count->since + kInterval) {
    count->since = now;
    count->lines = 0;
  }
  if (++count->lines <= limit_of(message)) return true;
  ++count->left_out;
  any_left_out_ = true;
  return false;
}

std::vector<LogLimit::Suppressed> LogLimit::suppressed(Steady::time_point now) {
  std::vector<Suppressed> out;
  if (!any_left_out_) return out;
  any_left_out_ = false;
  for (auto& count : counts_) {
    if (count.left_out == 0) continue;
    if (now < count.since + kInterval) {
      any_left_out_ = true;
      continue;
    }
    out.push_back({count.message, count.left_out});
    count = Count{std::move(count.message), now};
  }
  return out;
}

}  // namespace handoff::sys
