// The scoreboard: a page of memory that master and workers share. One slot for each worker, and one
// writer for each slot; the master only reads. What a slot says is gossip, waitpid is the truth.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hh"

namespace handoff::board {

enum class State : std::uint32_t { kStarting, kIdle, kBusy };

struct Slot {
  std::atomic<State> state;
  std::atomic<std::uint64_t> sessions;      // served to their end
  std::atomic<std::uint64_t> transactions;  // with at least one delivery
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// Lives in memory that is inherited over fork and never moves.
class Board {
 public:
  static Result<Board> create(std::size_t slots);
  Board(Board&& other) noexcept;
  Board& operator=(Board&&) = delete;
  ~Board();

  std::span<Slot> slots() const { return {slots_, count_}; }

 private:
  Board(Slot* slots, std::size_t count) : slots_(slots), count_(count) {}
  Slot* slots_;
  std::size_t count_;
};

}  // namespace handoff::board
