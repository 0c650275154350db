#include "board/totals.hh"

#include <numeric>

namespace handoff::board {

std::uint64_t Distribution::count() const {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

double Distribution::quantile(double q) const {
  auto all = count();
  if (all == 0) return 0;
  double wanted = q * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= wanted) {
      double from = i == 0 ? 0 : static_cast<double>(kBounds[i - 1]);
      // What lies above the last bound is said to lie at it.
      double to = i < kBounds.size() ? static_cast<double>(kBounds[i]) : from;
      return from + (to - from) * (wanted - below) / here;
    }
    below += here;
  }
  return static_cast<double>(kBounds.back());
}

Distribution Distribution::operator-(const Distribution& earlier) const {
  Distribution out;
  for (std::size_t i = 0; i < kBuckets; ++i) out.buckets[i] = buckets[i] - earlier.buckets[i];
  out.sum = sum - earlier.sum;
  return out;
}

void Totals::add(const Slot& slot) {
  for (std::size_t i = 0; i < kCounters; ++i) counters[i] += slot.counters[i];
  for (std::size_t i = 0; i < kReplyCodes; ++i) replies[i] += slot.replies[i];
  for (std::size_t i = 0; i < kStages; ++i) {
    for (std::size_t j = 0; j < kBuckets; ++j) {
      stages[i].buckets[j] += slot.stages[i].buckets[j];
    }
    stages[i].sum += slot.stages[i].sum;
  }
}

}  // namespace handoff::board
