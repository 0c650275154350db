#include "board/backends.hh"

#include <algorithm>
#include <utility>

#include "base/text.hh"

namespace handoff::board {
namespace {

std::string name_of(const BackendRecord& record) {
  auto name = record.name.get();
  std::ranges::replace_if(
      name, [](char c) { return is_control(c) || !is_ascii(c); }, '?');
  return name;
}

BackendFacts facts_of(const BackendRecord& record, std::string name) {
  BackendFacts out;
  out.name = std::move(name);
  out.connections = record.connections;
  std::ranges::copy(record.recipients, out.recipients.begin());
  std::ranges::copy(record.latency.buckets, out.latency.buckets.begin());
  out.latency.sum = record.latency.sum;
  out.up = {record.up.first, record.up.last};
  out.down = {record.down.first, record.down.last};
  return out;
}

// Merges what two processes have seen of the latest run of one kind. Neither has seen everything:
// the run cannot have begun before `opposite`, the last observation of the other kind.
Run<std::uint64_t> merged(const Run<std::uint64_t>& a, const Run<std::uint64_t>& b,
                          std::uint64_t opposite) {
  Run<std::uint64_t> out{0, std::max(a.last, b.last)};
  if (out.last == 0) return out;
  for (auto first : {a.first, b.first}) {
    if (first > opposite && (out.first == 0 || first < out.first)) out.first = first;
  }
  if (out.first == 0) out.first = std::min(opposite, out.last);
  return out;
}

void add(BackendFacts& to, const BackendFacts& more) {
  to.connections += more.connections;
  for (std::size_t i = 0; i < to.recipients.size(); ++i) to.recipients[i] += more.recipients[i];
  for (std::size_t i = 0; i < kBuckets; ++i) to.latency.buckets[i] += more.latency.buckets[i];
  to.latency.sum += more.latency.sum;
  auto up = merged(to.up, more.up, std::max(to.down.last, more.down.last));
  to.down = merged(to.down, more.down, std::max(to.up.last, more.up.last));
  to.up = up;
}

void add(std::vector<BackendFacts>& backends, BackendFacts more) {
  auto order = [](const BackendFacts& facts) {
    return std::pair(facts.name == kOtherBackends, facts.name);
  };
  auto named = std::ranges::count_if(
      backends, [](const auto& facts) { return facts.name != kOtherBackends; });
  auto is_known = std::ranges::find(backends, more.name, &BackendFacts::name) != backends.end();
  if (!is_known && static_cast<std::size_t>(named) >= kMostBackends) more.name = kOtherBackends;
  auto at = std::ranges::lower_bound(backends, order(more), {}, order);
  if (at != backends.end() && at->name == more.name) return add(*at, more);
  backends.insert(at, std::move(more));
}

}  // namespace

std::int64_t BackendFacts::since() const {
  return static_cast<std::int64_t>((is_up() ? up : down).first / 1000);
}

void add(std::vector<BackendFacts>& backends, const BackendRecords& records) {
  auto count = std::min(records.used.load(), records.records.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& record = records.records[i];
    auto name = name_of(record);
    if (!name.empty()) add(backends, facts_of(record, std::move(name)));
  }
}

void add(std::vector<BackendFacts>& backends, const std::vector<BackendFacts>& more) {
  for (const auto& facts : more) add(backends, facts);
}

}  // namespace handoff::board
