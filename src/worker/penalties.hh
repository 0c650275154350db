// How long a client waits for a negative reply that it could otherwise use to guess passwords or
// addresses quickly. Contains no clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace handoff::worker {

class Penalties {
 public:
  // Authentication failed: one second, and one more each time, up to five.
  std::chrono::seconds failed_authentication() {
    failures_ = std::min(failures_ + 1, kMostFailures);
    return std::chrono::seconds(failures_);
  }
  // A recipient is unknown: nothing for the first in a session, then a second for each, which is
  // little compared with the five minutes that a client waits for the reply (RFC 5321 4.5.3.2.3).
  // A minute in all, so that a queue manager with a long list, which could be trusted and is not,
  // gets through.
  std::chrono::seconds unknown_recipient() {
    unknown_ = std::min(unknown_ + 1, kFirstUnknown);
    if (unknown_ < kFirstUnknown || waited_ == kMostWaited) return {};
    ++waited_;
    return std::chrono::seconds(1);
  }
  // A message was delivered, so the client does not only ask for addresses.
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
