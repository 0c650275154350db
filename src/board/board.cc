#include "board/board.hh"

#include <new>
#include <utility>

#include "sys/memory.hh"

namespace handoff::board {

Result<Board> Board::create(std::size_t slots) {
  auto memory = sys::map_shared(slots * sizeof(Slot));
  if (!memory) return memory.error();
  auto* first = new (memory.value()) Slot[slots]();
  return Board(first, slots);
}

Board::Board(Board&& other) noexcept
    : slots_(std::exchange(other.slots_, nullptr)), count_(std::exchange(other.count_, 0)) {}

Board::~Board() {
  if (slots_ != nullptr) sys::unmap(slots_, count_ * sizeof(Slot));
}

}  // namespace handoff::board
