// What a worker inherits from the master over the fork. All of it outlives the worker.
#pragma once

#include <cstddef>
#include <span>

#include "board/board.hh"
#include "sys/fd.hh"

namespace handoff::board {

struct Inheritance {
  std::span<const sys::Fd> listeners;
  std::span<Slot> slots;  // of all workers
  std::size_t own_slot;
  const sys::Fd& life;  // reads its end when the master is gone
  const sys::Fd& bell;  // an octet written there has the master look at the pool
};

}  // namespace handoff::board
