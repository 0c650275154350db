#include "recipients/cache.hh"

namespace handoff::recipients {

Result<Answer> Cache::find(const Address& address) {
  auto key = address.local + "@" + address.domain;
  if (auto at = index_.find(key); at != index_.end()) {
    auto kept = at->second;
    if (sys::Steady::now() < kept->until) {
      kept_.splice(kept_.begin(), kept_, kept);
      return kept->answer;
    }
    index_.erase(at);
    kept_.erase(kept);
  }
  auto answer = lookup_->find(address);
  if (!answer) return answer;
  if (kept_.size() >= kMost) {
    index_.erase(kept_.back().key);
    kept_.pop_back();
  }
  kept_.push_front({std::move(key), answer.value(), sys::Steady::now() + ttl_});
  index_.emplace(kept_.front().key, kept_.begin());
  return answer;
}

}  // namespace handoff::recipients
