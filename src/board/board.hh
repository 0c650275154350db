// The scoreboard: memory that master and workers share. One slot for each worker, and one writer
// for each slot (scribe.hh); all may read. What a slot says is gossip, waitpid is the truth.
//
// A slot's numbers are those of the worker that has it. When that has ended the master takes them
// into its totals (totals.hh) and wipes the slot for the next.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hh"
#include "board/measures.hh"
#include "board/shared_text.hh"
#include "board/slow_mailboxes.hh"

namespace handoff::board {

enum class State : std::uint32_t {
  kStarting,
  kIdle,      // waits for a connection
  kGreeting,  // has one, and has heard no command
  kCommand,   // waits for a command, or runs one
  kLookup,    // asks whose a recipient is
  kData,      // waits for more of a message
  kStaging,   // writes it
  kSync,      // waits until the disk has it
  kCommit,    // puts it into a mailbox, or asks about another's
  kReply,     // waits for the peer to take replies
};
inline constexpr std::size_t kStates = 10;
// "starting", "idle", ...
const char* name_of(State state);
constexpr bool is_busy(State state) { return state > State::kIdle; }

struct alignas(64) Slot {
  std::atomic<State> state;
  std::atomic<std::uint64_t> since;     // steady milliseconds: in this state
  std::atomic<std::uint64_t> progress;  // steady milliseconds: an octet or a step was last seen
  // The mailbox that is being committed to, as a hash, and when that began (steady nanoseconds).
  std::atomic<std::uint64_t> mailbox;
  std::atomic<std::uint64_t> mailbox_since;

  SharedText<48> peer;     // of the session; empty: none
  SharedText<40> message;  // id of the transaction's message
  std::array<std::atomic<std::uint64_t>, kCounters> counters;
  std::array<std::atomic<std::uint64_t>, kReplyCodes> replies;
  std::array<Histogram, kStages> stages;

  // The last failure, written in this order; `failures` says how many there were.
  std::atomic<std::uint64_t> failed_at;  // wall clock, milliseconds
  SharedText<160> failure;               // "451 4.3.0: fsync: Input/output error"
  SharedText<128> failed_address;
  std::atomic<std::uint64_t> failures;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Lives in memory that is inherited over fork and never moves.
class Board {
 public:
  // Room for `capacity` workers; what is not used costs address space alone.
  static Result<Board> create(std::size_t capacity);
  Board(Board&& other) noexcept;
  Board& operator=(Board&&) = delete;
  ~Board();

  std::size_t capacity() const { return capacity_; }
  // Those that are, or have been, in use.
  std::span<Slot> slots() const;
  Slot& slot(std::size_t index) const { return slots_[index]; }
  SlowMailboxes slow_mailboxes() const { return SlowMailboxes({slow_, kSlowMailboxes}); }

  // The master's, before it forks a worker: the slot is as new, and among slots().
  void take(std::size_t index);
  // The master's: nobody accepts after us, so each worker empties the backlog before it goes.
  void close_shop() { header_->closing = true; }
  bool closing() const { return header_->closing; }

 private:
  struct Header {
    std::atomic<std::size_t> extent;
    std::atomic<bool> closing;
  };
  Board(void* memory, std::size_t capacity);
  static std::size_t octets(std::size_t capacity);

  void* memory_;
  std::size_t capacity_;
  Header* header_;
  Slot* slots_;
  SlowMailbox* slow_;
};

}  // namespace handoff::board
