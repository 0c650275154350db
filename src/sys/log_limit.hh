// Limits the number of log lines with the same message, so that nobody can fill the disk by causing
// an event again and again. Suppressed lines are counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sys/clock.hh"

namespace handoff::sys {

class LogLimit {
 public:
  // The limits for one process and one message. The limit is higher for other outcomes than
  // "delivered", such as "deferred" and "discarded", because one message may cause a thousand of
  // these lines. "delivered" has no limit: its rate is limited by the disk.
  static constexpr unsigned kLinesPerSecond = 100;
  static constexpr unsigned kRefusalsPerSecond = 2000;

  // Returns whether a line with this message may be written.
  bool allows(std::string_view message, Steady::time_point now);

  struct Suppressed {
    std::string message;
    unsigned lines;
  };
  // Returns the lines suppressed in past seconds; each count is returned once.
  std::vector<Suppressed> suppressed(Steady::time_point now);

 private:
  struct Count {
    std::string message;
    Steady::time_point since;
    unsigned lines = 0;
    unsigned left_out = 0;
  };
  std::vector<Count> counts_;  // of each message seen; messages are constants
  bool any_left_out_ = false;
};

}  // namespace handoff::sys
