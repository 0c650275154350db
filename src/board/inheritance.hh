// What a worker inherits from the master over the fork. All of it outlives the worker.
#pragma once

#include <cstddef>
#include <vector>

#include "board/board.hh"
#include "sys/fd.hh"

namespace handoff::board {

struct Inheritance {
  std::vector<const sys::Fd*> listeners;
  const Board& board;
  std::size_t own_slot;
  const sys::Fd& life;  // reads its end when the master is gone
  const sys::Fd& bell;  // an octet written there has the master look at the pool
  // Serve what waits on the listeners, and end when nothing does: they are about to be closed.
  bool until_empty = false;
  // The way to the delivery process of this worker; nullptr: there is none.
  sys::Fd* delivery = nullptr;
};

}  // namespace handoff::board
