// How many workers there should be, and which is stuck: from what is known to what is to be done,
// without a process or a clock in it.
#pragma once

#include <chrono>
#include <optional>

#include "board/board.hh"
#include "conf/config.hh"

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
  unsigned retire = 0;       // of the idle
  bool became_full = false;  // every worker that may be is busy: connections wait. Said once
  bool eased = false;        // no longer. Said once
};

// Starts in doubling steps as long as idle workers are few, so that a burst finds them soon;
// retires one at a time, so that a short calm does not undo it. A worker that dies before its first
// session throttles the next start, doubling: what kills workers at once must not become a loop of
// forks.
class Pool {
 public:
  explicit Pool(const PoolSettings& settings) : settings_(settings) {}

  // After a reload: what was seen of throttles stays.
  void change(const PoolSettings& settings) { settings_ = settings; }

  PoolAction decide(const PoolView& view, Time now);

  // A worker ended without being told to. `early`: it had not served a session.
  void died(bool early, Time now);
  // A worker was seen to work: the next one that dies early begins anew.
  void became_ready() { delay_ = {}; }
  bool throttled(Time now) const { return now < not_before_; }
  unsigned throttles() const { return throttles_; }  // how often a start was put off

 private:
  PoolSettings settings_;
  unsigned step_ = 1;
  std::chrono::seconds delay_{};
  Time not_before_ = Time::min();
  Time next_retirement_ = Time::min();
  unsigned throttles_ = 0;
  bool full_ = false;
};

// The longest time that a worker that is not stuck can show no progress in `state`: where it waits
// for its client it ends the session by itself, so that only a little more is needed. Nothing where
// there is no such time.
std::optional<std::chrono::seconds> patience(board::State state, const conf::Config& config);

}  // namespace handoff::master
