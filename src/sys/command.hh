// Starts a program of the site. It gets its input, a time limit and, from our environment, only
// PATH, TZ and the language.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::sys {

struct Command {
  std::vector<std::string> arguments;  // the first is the program's absolute path
  std::string input;                   // its standard input
  // Its standard input instead, from the beginning of this file. The program has the whole of it
  // even if this process is killed. Only for run_program(); must outlive it.
  const Fd* file = nullptr;
  Steady::duration limit;       // after this time its process group is killed
  std::string limit_name = {};  // the setting of the limit, for the error message
};

// Returns an address as an argument of a program. RFC 5321 allows a local part that begins with
// "-", which a program could mistake for an option.
std::string argument_of(const std::string& address);

// A process that watches a command. It is a child of init, so that we never have to wait for it.
class Watcher {
 public:
  explicit Watcher(Fd life) : life_(std::move(life)) {}
  // Never blocks.
  bool has_ended() const { return ends_by(Steady::now()); }
  // Waits for its end until `deadline`; false if it is still running.
  bool ends_by(Steady::time_point deadline) const;
  // Waits for its end and returns whether the command succeeded. Blocks.
  bool ends_well() const;

 private:
  Fd life_;  // a pipe; the watcher has the other end
};

// Starts a process that runs `command`, waits for it, calls `ended` with the result, and exits.
// Returns at once. Success is exit 0; any error, including a kill, contains the end of what the
// program wrote to standard output or error. `ended` runs in that process, which has none of our
// descriptors except standard error.
Result<Watcher> start_watched(const Command& command,
                              const std::function<void(const Status&)>& ended);

// Runs `command` and returns when it has ended, with the same result. EINVAL: its exit code says
// that this input or these arguments will never be accepted (EX_USAGE, EX_DATAERR, EX_NOUSER,
// EX_NOHOST, EX_NOPERM of sysexits.h). Requires start_launcher(),
// and that no signal handler throws. Blocks up to the limit.
Status run_program(const Command& command);

// Starts such a process that does `work` and keeps `kept` of our descriptors too. It is killed
// after `limit`.
Result<Watcher> start_aside(std::chrono::seconds limit, const Fd& kept,
                            const std::function<void()>& work);

}  // namespace handoff::sys
