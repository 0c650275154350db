// The numbers of several slots added up: what the master shows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "board/board.hh"

namespace handoff::board {

struct Distribution {
  std::array<std::uint64_t, kBuckets> buckets{};  // each for itself
  std::uint64_t sum = 0;                          // microseconds

  std::uint64_t count() const;
  // The time that a share `q` (0 to 1) stayed below, in microseconds, as far as the buckets tell;
  // 0 where nothing was measured.
  double quantile(double q) const;
  Distribution operator-(const Distribution& earlier) const;
};

struct Totals {
  std::array<std::uint64_t, kCounters> counters{};
  std::array<std::uint64_t, kReplyCodes> replies{};
  std::array<Distribution, kStages> stages{};

  void add(const Slot& slot);
  // The numbers as text, and back; nothing where the text is of a program that counts other things.
  std::string pack() const;
  static std::optional<Totals> unpack(std::string_view text);
  std::uint64_t operator[](Counter counter) const {
    return counters[static_cast<std::size_t>(counter)];
  }
  const Distribution& operator[](Stage stage) const {
    return stages[static_cast<std::size_t>(stage)];
  }
};

}  // namespace handoff::board
