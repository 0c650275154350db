// Mailboxes that were slow several times in a row, on memory that all workers share: a circuit
// breaker, so that one disk that hangs does not have every worker wait for it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace handoff::board {

// All zero: nothing. Times are steady milliseconds.
struct SlowMailbox {
  std::atomic<std::uint64_t> mailbox;  // its key (scribe.hh)
  std::atomic<std::uint64_t> times;    // in a row
  std::atomic<std::uint64_t> until;    // it is put off
};
inline constexpr std::size_t kSlowMailboxes = 1024;

struct SlowPolicy {
  unsigned limit = 0;  // times in a row; 0: never
  std::chrono::milliseconds pause{};
};

// Two mailboxes that meet in an entry, and workers that write it at once, cost at worst a count.
class SlowMailboxes {
 public:
  explicit SlowMailboxes(std::span<SlowMailbox> entries) : entries_(entries) {}

  bool is_put_off(std::uint64_t mailbox, std::uint64_t now) const;
  // A delivery to it has ended. True where that puts it off from now on: when the pause is over the
  // next delivery is let through, and if that is slow too it is put off again.
  bool ended(std::uint64_t mailbox, bool slow, const SlowPolicy& policy, std::uint64_t now) const;

 private:
  std::span<SlowMailbox> entries_;
};

}  // namespace handoff::board
