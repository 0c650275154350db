#include "board/totals.hh"

#include <numeric>

#include "base/text.hh"

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
      // Values above the last bound count as equal to it.
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

namespace {

// Describes the layout of the text; a text with another layout is rejected.
std::string shape() {
  std::string out;
  for (auto size : {kCounters, kReplyCodes, kRefusals.size(), kStages, kBuckets})
    out += std::to_string(size) + ".";
  return out;
}

// Visits each number of `totals`, in the order of the text.
template <class OfTotals, class Visit>
void each_number(OfTotals& totals, Visit visit) {
  for (auto& number : totals.counters) visit(number);
  for (auto& number : totals.replies) visit(number);
  for (auto& number : totals.refusals) visit(number);
  for (auto& stage : totals.stages) {
    for (auto& number : stage.buckets) visit(number);
    visit(stage.sum);
  }
}

}  // namespace

std::string Totals::pack() const {
  auto out = shape();
  each_number(*this, [&](std::uint64_t number) { out += " " + std::to_string(number); });
  return out;
}

std::optional<Totals> Totals::unpack(std::string_view text) {
  auto words = split(text, ' ');
  if (words.front() != shape()) return std::nullopt;
  Totals out;
  std::size_t next = 1;
  bool whole = true;
  each_number(out, [&](std::uint64_t& number) {
    auto read = next < words.size() ? parse_number(words[next++]) : std::nullopt;
    whole = whole && read;
    number = read.value_or(0);
  });
  return whole && next == words.size() ? std::optional(out) : std::nullopt;
}

void Totals::add(const Slot& slot) {
  for (std::size_t i = 0; i < kCounters; ++i) counters[i] += slot.counters[i];
  for (std::size_t i = 0; i < kReplyCodes; ++i) replies[i] += slot.replies[i];
  for (std::size_t i = 0; i < kRefusals.size(); ++i) refusals[i] += slot.refusals[i];
  for (std::size_t i = 0; i < kStages; ++i) {
    for (std::size_t j = 0; j < kBuckets; ++j) {
      stages[i].buckets[j] += slot.stages[i].buckets[j];
    }
    stages[i].sum += slot.stages[i].sum;
  }
}

}  // namespace handoff::board
