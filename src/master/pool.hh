// Decides how many workers there should be, and how long a worker may make no progress. Contains no
// processes and no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "board/board.hh"
#include "conf/config.hh"

namespace handoff::master {

using Time = std::chrono::steady_clock::time_point;

struct PoolSettings {
  unsigned max = 1;       // total number of workers
  unsigned min_idle = 1;  // if fewer are idle, new ones are started
  unsigned max_idle = 1;  // if more are idle, one is retired from time to time
};

struct PoolView {
  unsigned starting = 0;  // forked, not ready yet
  unsigned idle = 0;      // idle workers that accept from the listener that has the fewest of them
  unsigned busy = 0;
  unsigned aside = 0;  // idle, but reserved for other listeners
};

struct PoolAction {
  unsigned start = 0;
  unsigned retire = 0;       // number of idle workers to retire
  bool became_full = false;  // all workers.max workers have just become busy
  bool eased = false;        // that state has just ended
};

// Starts workers in doubling steps while few are idle, so that a burst is served soon. Retires one
// at a time, so that a short lull does not undo this. A worker that crashes delays the next start,
// even if it had served sessions: a peer that causes crashes must not cause a loop of forks. The
// delay doubles until a worker is ready again.
class Pool {
 public:
  explicit Pool(const PoolSettings& settings) : settings_(settings) {}

  void change(const PoolSettings& settings) { settings_ = settings; }

  PoolAction decide(const PoolView& view, Time now);

  // A worker crashed, or could not be started.
  void died(Time now);
  // A worker became ready: the next crash causes only the first delay again.
  void became_ready() { delay_ = {}; }
  bool throttled(Time now) const { return now < not_before_; }
  // All workers are busy, so further connections have to wait.
  bool full() const { return full_; }
  unsigned throttles() const { return throttles_; }  // how often starts were delayed

 private:
  PoolSettings settings_;
  unsigned step_ = 1;
  std::chrono::seconds delay_{};
  Time not_before_ = Time::min();
  Time next_retirement_ = Time::min();
  unsigned throttles_ = 0;
  bool full_ = false;
};

// Some workers accept from one listener alone, so that clients of another listener cannot occupy
// all workers: an eighth of all, but at least one for each listener. There are none if the server
// has one listener, or too few workers. They are the last to be started, when most others are busy.
//
// Returns the listener that the next worker is reserved for; nothing if it accepts from all of
// them. `general`: the number of workers that do. `reserved`: for each listener, the number of
// workers reserved for it.
std::optional<std::size_t> reservation(unsigned max, unsigned general,
                                       const std::vector<unsigned>& reserved);

// Returns how long a worker in `state` may make no progress before it counts as stuck. A worker
// that waits for its client ends the session itself after a timeout; this limit is only a little
// longer than that timeout. Nothing if there is no limit.
std::optional<std::chrono::seconds> patience(board::State state, const conf::Config& config);

}  // namespace handoff::master
