// How long something takes, for the log and for the board.
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>
#include <string>

#include "board/scribe.hh"
#include "sys/clock.hh"

namespace handoff::worker {

// Does `action`; what it took is added to `took`, and observed as `stage`.
template <class Action>
auto timed(board::Scribe& scribe, board::Stage stage, sys::Steady::duration& took, Action action) {
  auto begin = sys::Steady::now();
  auto result = action();
  auto elapsed = sys::Steady::now() - begin;
  took += elapsed;
  // Writing is many small steps, and is observed as one when they are over.
  if (stage != board::Stage::kWrite) scribe.observe(stage, elapsed);
  return result;
}

// "0.0123".
inline std::string in_seconds(sys::Steady::duration took) {
  using Tenth = std::chrono::duration<std::int64_t, std::ratio<1, 10000>>;  // of a millisecond
  auto digits = std::to_string(std::chrono::round<Tenth>(took).count());
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  return digits.insert(digits.size() - 4, 1, '.');
}

}  // namespace handoff::worker
