#include "board/slot_writer.hh"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

namespace handoff::board {
namespace {

template <class Unit>
std::uint64_t steady() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<Unit>(sys::Steady::now().time_since_epoch()).count());
}

// The value of Claim::since while a worker determines the time of its claim.
constexpr std::uint64_t kChoosing = 0;
constexpr std::uint64_t kNotThere = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMaxChoosing = 1'000'000'000;  // nanoseconds

// Returns the number of a claim to `key`; kNotThere if there is no such claim (any more).
std::uint64_t number_of(const Claim& claim, std::uint64_t key, std::uint64_t now) {
  for (;;) {
    if (claim.key != key) return kNotThere;
    auto since = claim.since.load();
    bool waits = since == kChoosing && steady<std::chrono::nanoseconds>() < now + kMaxChoosing;
    if (!waits) return since;
    std::this_thread::yield();
  }
}

}  // namespace

std::uint64_t key_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return std::max<std::uint64_t>(hash, 1);
}

void observe(Histogram& histogram, std::chrono::nanoseconds took) {
  auto us = static_cast<std::uint64_t>(std::max<std::chrono::microseconds::rep>(
      std::chrono::duration_cast<std::chrono::microseconds>(took).count(), 0));
  auto bucket = std::ranges::lower_bound(kBounds, us) - kBounds.begin();
  add(histogram.buckets[static_cast<std::size_t>(bucket)], 1);
  add(histogram.sum, us);
}

State SlotWriter::enter(State state) {
  auto now = steady<std::chrono::milliseconds>();
  auto before = slot_.state.load(std::memory_order_relaxed);
  slot_.progress.store(now, std::memory_order_relaxed);
  if (before != state) {
    slot_.since.store(now, std::memory_order_relaxed);
    slot_.state.store(state);
  }
  return before;
}

void SlotWriter::count_replies(std::string_view output) {
  while (!output.empty()) {
    auto end = output.find('\n');
    auto line = output.substr(0, end);
    output.remove_prefix(end == output.npos ? output.size() : end + 1);
    if (line.size() < 4 || line[3] == '-') continue;  // not the last line of a reply
    int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    auto known = std::ranges::lower_bound(kCodes, code);
    bool found = known != kCodes.end() && *known == code;
    add(slot_.replies[found ? static_cast<std::size_t>(known - kCodes.begin()) : kCodes.size()], 1);
  }
}

void SlotWriter::observe(Stage stage, sys::Steady::duration took) {
  board::observe(slot_.stages[static_cast<std::size_t>(stage)], took);
}

void SlotWriter::failure(std::string_view what, std::string_view address) {
  auto now = sys::Wall::now().time_since_epoch();
  slot_.failed_at = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  slot_.failure.set(what);
  slot_.failed_address.set(address);
  add(slot_.failures, 1);
}

bool SlotWriter::is_crowded(std::uint64_t mailbox, unsigned limit) const {
  if (limit == 0 || board_ == nullptr) return false;
  auto at_work = board_->count(
      [&](const Slot& slot) { return &slot != &slot_ && slot.mailbox.key == mailbox; });
  return at_work >= limit;
}

bool SlotWriter::claim(Claim Slot::*which, std::uint64_t key, std::size_t limit) {
  auto& own = slot_.*which;
  own.since = kChoosing;
  own.key = key;
  auto now = steady<std::chrono::nanoseconds>();
  own.since = now;
  if (limit == 0 || board_ == nullptr) return true;
  auto earlier = board_->count([&](const Slot& slot) {
    if (&slot == &slot_) return false;
    auto since = number_of(slot.*which, key, now);
    return since < now || (since == now && &slot < &slot_);
  });
  if (earlier < limit) return true;
  own.key = 0;
  return false;
}

bool SlotWriter::is_put_off(std::uint64_t mailbox, const Slowness& slowness) const {
  if (slowness.policy.limit == 0 || board_ == nullptr) return false;
  if (SlowMailboxes(*board_, own_)
          .is_refused(mailbox, slowness.policy, steady<std::chrono::milliseconds>())) {
    return true;
  }
  auto now = steady<std::chrono::nanoseconds>();
  auto after = static_cast<std::uint64_t>(std::chrono::nanoseconds(slowness.after).count());
  auto stuck = board_->count([&](const Slot& slot) {
    if (&slot == &slot_ || slot.mailbox.key != mailbox) return false;
    // Read after the mailbox, so it is never the time for an earlier one.
    auto since = slot.mailbox.since.load();
    return since != kChoosing && now > since + after;
  });
  return stuck >= slowness.policy.limit;
}

bool SlotWriter::delivery_took(std::uint64_t mailbox, sys::Steady::duration time,
                               const Slowness& slowness) {
  if (board_ == nullptr) return false;
  return SlowMailboxes(*board_, own_)
      .ended(mailbox, time > slowness.after, slowness.policy, steady<std::chrono::milliseconds>());
}

}  // namespace handoff::board
