// One sample per second of the last minute, and the most recent failures.
#pragma once

#include <chrono>
#include <deque>

#include "board/board.hh"
#include "board/snapshot.hh"
#include "board/totals.hh"

namespace handoff::master {

class History {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void record(const board::Totals& totals, Time now);
  // Records the unexpected end of a worker as a failure.
  void record_death(Time now, board::Failure failure);
  void record_delivery_death(Time now) { delivery_deaths_.push_back(now); }
  // Records the worker's last failure, if `slot` has one that is newer than `seen`.
  void record_failure(const board::Slot& slot, std::uint64_t& seen);

  // Returns the last minute up to `now`, or the time since the start if that is shorter.
  board::Window minute(const board::Totals& totals, Time now);
  std::vector<double> recent() const;
  std::vector<board::Failure> failures() const { return {failures_.begin(), failures_.end()}; }

 private:
  struct Sample {
    Time when;
    board::Totals totals;
  };
  std::deque<Sample> samples_;
  std::deque<Time> deaths_;           // of the last minute
  std::deque<Time> delivery_deaths_;  // likewise
  void add(board::Failure failure);
  std::deque<board::Failure> failures_;  // newest first
};

}  // namespace handoff::master
