// The sums over several slots: the numbers that the master reports.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "board/board.hh"

namespace handoff::board {

struct Distribution {
  std::array<std::uint64_t, kBuckets> buckets{};  // not cumulative
  std::uint64_t sum = 0;                          // microseconds

  std::uint64_t count() const;
  // Returns the quantile `q` (0 to 1) of the measurements in microseconds, estimated from the
  // buckets; 0 if nothing was measured.
  double quantile(double q) const;
  Distribution operator-(const Distribution& earlier) const;
};

struct Totals {
  std::array<std::uint64_t, kCounters> counters{};
  std::array<std::uint64_t, kReplyCodes> replies{};
  std::array<std::uint64_t, kRefusals.size()> refusals{};
  std::array<Distribution, kStages> stages{};

  void add(const Slot& slot);
  // Converts the numbers to text and back. Returns nothing if the text is from a program with other
  // counters.
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
