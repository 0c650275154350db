#include "worker/retries.hh"

#include <algorithm>
#include <unordered_set>

namespace handoff::worker {

std::vector<std::string> Retries::due(const std::vector<std::string>& names, Time now) {
  std::unordered_set<std::string> all(names.begin(), names.end());
  std::erase_if(failed_, [&](const auto& each) { return !all.contains(each.first); });
  std::vector<std::string> fresh;
  std::vector<std::string> again;
  for (const auto& name : names) {
    auto found = failed_.find(name);
    if (found == failed_.end()) {
      fresh.push_back(name);
    } else if (found->second.next <= now) {
      again.push_back(name);
    }
  }
  std::ranges::stable_sort(again, {}, [&](const auto& name) { return failed_[name].next; });
  fresh.insert(fresh.end(), again.begin(), again.end());
  return fresh;
}

void Retries::succeeded(const std::string& name) {
  failed_.erase(name);
  if (in_a_row_ >= kMostFailures) {
    for (auto& [other, message] : failed_) message.next = {};
  }
  in_a_row_ = 0;
  pause_ = kFirst;
  paused_until_ = {};
}

std::chrono::seconds Retries::failed(const std::string& name, Time now, Failure failure) {
  auto& message = failed_[name];
  auto doublings = std::min(message.tries, 20U);
  auto wait = std::min(kFirst * (std::int64_t{1} << doublings), kLongest);
  ++message.tries;
  message.next = now + wait;
  if (failure == Failure::kRefused) return wait;
  if (++in_a_row_ >= kMostFailures) {
    paused_until_ = now + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
  }
  return wait;
}

unsigned Retries::tries(const std::string& name) const {
  auto found = failed_.find(name);
  return found == failed_.end() ? 0 : found->second.tries;
}

}  // namespace handoff::worker
