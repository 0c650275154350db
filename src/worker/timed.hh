// Measures how long something takes, for the log and the scoreboard.
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>
#include <string>

#include "board/slot_writer.hh"
#include "sys/clock.hh"

namespace handoff::worker {

// Runs `action`, adds its time to `took`, and records the time for `stage`.
template <class Action>
auto timed(board::SlotWriter& slot_writer, board::Stage stage, sys::Steady::duration& took,
           Action action) {
  auto begin = sys::Steady::now();
  auto result = action();
  auto elapsed = sys::Steady::now() - begin;
  took += elapsed;
  // Writing consists of many small steps, whose sum is recorded at the end.
  if (stage != board::Stage::kWrite) slot_writer.observe(stage, elapsed);
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
