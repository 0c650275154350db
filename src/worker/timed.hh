// How long something takes, for the log and for the board.
#pragma once

#include <array>
#include <chrono>
#include <cstdio>
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

inline std::string in_seconds(sys::Steady::duration took) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.4f", std::chrono::duration<double>(took).count());
  return text.data();
}

}  // namespace handoff::worker
