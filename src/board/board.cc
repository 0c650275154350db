#include "board/board.hh"

#include <algorithm>
#include <new>
#include <utility>

#include "sys/memory.hh"

namespace handoff::board {

const char* name_of(State state) {
  static constexpr const char* kNames[kStates] = {"starting", "idle", "greeting", "command",
                                                  "lookup",   "data", "staging",  "sync",
                                                  "commit",   "reply"};
  auto index = static_cast<std::size_t>(state);
  return index < kStates ? kNames[index] : "?";
}

std::size_t Board::octets(std::size_t capacity) {
  return (capacity + 1) * sizeof(Slot) + kSlowMailboxes * sizeof(SlowMailbox);
}

Result<Board> Board::create(std::size_t capacity) {
  static_assert(sizeof(Header) <= sizeof(Slot));
  auto memory = sys::map_shared(octets(capacity));
  if (!memory) return memory.error();
  return Board(memory.value(), capacity);
}

Board::Board(void* memory, std::size_t capacity)
    : memory_(memory),
      capacity_(capacity),
      header_(new (memory) Header()),
      slots_(static_cast<Slot*>(memory) + 1),
      slow_(new (slots_ + capacity) SlowMailbox[kSlowMailboxes]) {}

Board::Board(Board&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      capacity_(other.capacity_),
      header_(other.header_),
      slots_(other.slots_),
      slow_(other.slow_) {}

Board::~Board() {
  if (memory_ != nullptr) sys::unmap(memory_, octets(capacity_));
}

std::span<Slot> Board::slots() const { return {slots_, header_->extent.load()}; }

void Board::take(std::size_t index) {
  new (&slots_[index]) Slot();
  if (index >= header_->extent) header_->extent = index + 1;
}

}  // namespace handoff::board
