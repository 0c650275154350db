// Mailboxes that were slow several times in a row: a circuit breaker, so that one hanging disk does
// not block every worker. Each worker records its observations in its own slot of the scoreboard,
// and reads those of all workers.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace handoff::board {

class Board;

// All zero: an unused entry. Times are steady milliseconds.
struct SlowMailbox {
  std::atomic<std::uint64_t> mailbox;   // its key (slot_writer.hh)
  std::atomic<std::uint64_t> times;     // consecutive slow deliveries seen by this worker
  std::atomic<std::uint64_t> slow_at;   // the last slow delivery
  std::atomic<std::uint64_t> quick_at;  // the last delivery that was not slow
  std::atomic<std::uint64_t> until;     // refuse until then
};
using SlowEntries = std::array<SlowMailbox, 32>;

struct SlowPolicy {
  unsigned limit = 0;  // consecutive slow deliveries; 0: never refuse
  std::chrono::milliseconds pause{};
};

// If two mailboxes share an entry, a count may be lost, which is harmless.
class SlowMailboxes {
 public:
  // `own`: the slot that this process may write to.
  SlowMailboxes(const Board& board, std::size_t own) : board_(board), own_(own) {}

  bool is_refused(std::uint64_t mailbox, const SlowPolicy& policy, std::uint64_t now) const;
  // A delivery to the mailbox has ended. Returns true if the mailbox is refused from now on. After
  // the pause one delivery is let through; if it is slow too, the mailbox is refused again.
  bool ended(std::uint64_t mailbox, bool slow, const SlowPolicy& policy, std::uint64_t now) const;

 private:
  SlowMailbox& entry(std::size_t slot, std::uint64_t mailbox) const;
  // Returns the slot's entry, if it is for this mailbox and no other worker has found the mailbox
  // quick since.
  const SlowMailbox* valid(std::size_t slot, std::uint64_t mailbox) const;

  const Board& board_;
  std::size_t own_;
};

}  // namespace handoff::board
