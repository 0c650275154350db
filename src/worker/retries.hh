// Decides when the messages of scripts are given to sieve.sendmail, and when this is repeated after
// a failure. Pure: depends only on names and times.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "sys/clock.hh"

namespace handoff::worker {

class Retries {
 public:
  using Time = sys::Steady::time_point;
  // The first retry of a message; each later one waits twice as long, up to the longest.
  static constexpr std::chrono::seconds kFirst{5};
  static constexpr std::chrono::seconds kLongest{3600};
  // If this many messages fail in a row, the program itself is probably broken. Nothing is then
  // tried for a pause, which doubles each time up to the longest one. Messages that the program has
  // refused do not count.
  static constexpr unsigned kMostFailures = 3;
  static constexpr std::chrono::seconds kLongestPause{60};

  // `names`: all messages in the queue. Returns those that are due: first those that were never
  // tried, in their order.
  std::vector<std::string> due(const std::vector<std::string>& names, Time now);
  // Returns whether nothing should be tried now.
  bool paused(Time now) const { return now < paused_until_; }
  // The program has worked: if it had failed for a while, every message is due.
  void succeeded(const std::string& name);
  enum class Failure { kOfProgram, kRefused };
  // Returns when the message is due again.
  std::chrono::seconds failed(const std::string& name, Time now,
                              Failure failure = Failure::kOfProgram);
  unsigned tries(const std::string& name) const;

 private:
  struct Message {
    unsigned tries = 0;
    Time next;
  };
  std::map<std::string, Message> failed_;
  unsigned in_a_row_ = 0;
  Time paused_until_;
  std::chrono::seconds pause_ = kFirst;
};

}  // namespace handoff::worker
