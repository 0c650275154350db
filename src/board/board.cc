#include "board/board.hh"

#include <limits>
#include <new>
#include <utility>

namespace handoff::board {

const char* name_of(State state) {
  static constexpr const char* kNames[kStates] = {"starting", "idle", "greeting", "command",
                                                  "lookup",   "data", "staging",  "sync",
                                                  "commit",   "reply"};
  auto index = static_cast<std::size_t>(state);
  return index < kStates ? kNames[index] : "?";
}

std::size_t Board::stride() {
  auto page = sys::page_size();
  return (sizeof(Page) + page - 1) / page * page;
}

Result<Board> Board::create(std::size_t capacity) {
  auto stride = Board::stride();
  if (capacity >= std::numeric_limits<std::size_t>::max() / stride - 1) {
    return Error{ENOMEM, "create a scoreboard", {}};
  }
  auto memory = sys::SharedMemory::create((capacity + 2) * stride);
  if (!memory) return memory.error();
  new (memory.value().start()) Header();
  Board board(std::move(memory).value(), capacity, stride);
  new (&board.page(board.senders_slot()).slot) Slot();
  return board;
}

Result<Board> Board::attach(sys::Fd file, std::size_t capacity) {
  auto memory = sys::SharedMemory::attach(std::move(file), (capacity + 2) * stride());
  if (!memory) return memory.error();
  return Board(std::move(memory).value(), capacity, stride());
}

Board::Board(sys::SharedMemory memory, std::size_t capacity, std::size_t stride)
    : memory_(std::move(memory)), capacity_(capacity), stride_(stride) {}

void Board::take(std::size_t index) {
  new (&page(index).slot) Slot();
  page(index).backends.clear();
  if (index >= used()) header().used = index + 1;
}

Status Board::keep_own(std::size_t index) const {
  return memory_.keep_writable((index + 1) * stride_, stride_);
}

}  // namespace handoff::board
