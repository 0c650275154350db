// A program of somebody else's, run beside us: it gets its input, its time, and nothing else of
// ours.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.hh"
#include "sys/clock.hh"

namespace handoff::sys {

struct Command {
  std::vector<std::string> arguments;  // the first is the program's absolute path
  std::string input;                   // what stands on its standard input
  Steady::duration limit;              // then its process group is killed
};

// Starts a process that runs `command`, waits for it, calls `ended` with what came of it, and
// exits. The caller goes on at once. Success is exit 0; the error has the last of what the program
// wrote to standard output or error. `ended` runs in that process, which has none of our
// descriptors but standard error. Returns its id, for has_ended().
Result<pid_t> start_watched(const Command& command,
                            const std::function<void(const Status&)>& ended);

// Whether a child has ended; it is gone then.
bool has_ended(pid_t child);

}  // namespace handoff::sys
