// How many workers there should be: from what is known to what is to be done, without a process or
// a clock in it.
#pragma once

#include <chrono>

namespace handoff::master {

using Time = std::chrono::steady_clock::time_point;

struct PoolSettings {
  unsigned max = 1;       // workers in all
  unsigned min_idle = 1;  // below it new ones are started
  unsigned max_idle = 1;  // above it one is retired now and then
};

struct PoolView {
  unsigned starting = 0;  // forked, not ready yet
  unsigned idle = 0;
  unsigned busy = 0;
};

struct PoolAction {
  unsigned start = 0;
  unsigned retire = 0;  // of the idle
};

// Starts in doubling steps as long as idle workers are few, so that a burst finds them soon;
// retires one at a time, so that a short calm does not undo it. A worker that dies before its first
// session throttles the next start, doubling: what kills workers at once must not become a loop of
// forks.
class Pool {
 public:
  explicit Pool(const PoolSettings& settings) : settings_(settings) {}

  PoolAction decide(const PoolView& view, Time now);

  // A worker ended without being told to. `early`: it had not served a session.
  void died(bool early, Time now);
  // A worker was seen to work: the next one that dies early begins anew.
  void became_ready() { delay_ = {}; }
  bool throttled(Time now) const { return now < not_before_; }

 private:
  PoolSettings settings_;
  unsigned step_ = 1;
  std::chrono::seconds delay_{};
  Time not_before_ = Time::min();
  Time next_retirement_ = Time::min();
};

}  // namespace handoff::master
