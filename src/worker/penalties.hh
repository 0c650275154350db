// How long a client waits for a negative reply that it could otherwise use to guess passwords or
// addresses quickly. Contains no clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace handoff::worker {

class Penalties {
 public:
  // Call if authentication failed. The delay is one second, and one second more each time, up to
  // five.
  std::chrono::seconds failed_authentication() {
    failures_ = std::min(failures_ + 1, kMostFailures);
    return std::chrono::seconds(failures_);
  }
  // Call if a recipient is unknown. The first ones in a session are not delayed, each later one is
  // delayed by a second, which is little compared with the five minutes that a client waits for the
  // reply (RFC 5321 4.5.3.2.3). The delays of a session add up to at most a minute, so that a queue
  // manager with a long list gets through even if it is not in `trusted`.
  std::chrono::seconds unknown_recipient() {
    unknown_ = std::min(unknown_ + 1, kFirstUnknown);
    if (unknown_ < kFirstUnknown || waited_ == kMostWaited) return {};
    ++waited_;
    return std::chrono::seconds(1);
  }
  // Call after a delivery, which shows that the client does more than guess addresses.
  void delivered() { unknown_ = 0; }

 private:
  static constexpr int kMostFailures = 5;
  static constexpr int kFirstUnknown = 20;  // the first that is delayed
  static constexpr int kMostWaited = 60;    // seconds
  int failures_ = 0;
  int unknown_ = 0;
  int waited_ = 0;  // seconds for unknown recipients, in this session
};

}  // namespace handoff::worker
