// What the master remembers of the numbers, a second apart, and of the last failures.
#pragma once

#include <chrono>
#include <deque>

#include "board/board.hh"
#include "board/totals.hh"
#include "master/snapshot.hh"

namespace handoff::master {

class History {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void take(const board::Totals& totals, Time now);
  // The last failure of a worker, if `slot` has one that is later than what was `seen` of it.
  void take_failure(const board::Slot& slot, std::uint64_t& seen);

  // The last minute, or what there is of it, up to `now`.
  Window minute(const board::Totals& totals, Time now) const;
  std::vector<double> recent() const;
  std::vector<Failure> failures() const { return {failures_.begin(), failures_.end()}; }

 private:
  struct Sample {
    Time when;
    board::Totals totals;
  };
  std::deque<Sample> samples_;
  std::deque<Failure> failures_;  // newest first
};

}  // namespace handoff::master
