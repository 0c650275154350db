// A program of somebody else's, run beside us: it gets its input, its time, PATH, TZ and what is
// said of the language, and nothing else of ours.
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
  std::string input;                   // what stands on its standard input
  Steady::duration limit;              // then its process group is killed
  std::string limit_name = {};         // the setting that has it, for whoever reads the error
};

// An address as an argument: RFC 5321 allows a local part that begins with "-", which no program is
// to take for an option.
std::string argument_of(const std::string& address);

// A process that was started to watch a command. It is init's child and not ours: whenever it ends,
// it leaves nothing that we would have to wait for.
class Watcher {
 public:
  explicit Watcher(Fd life) : life_(std::move(life)) {}
  // Never blocks.
  bool has_ended() const { return ends_by(Steady::now()); }
  // Waits for its end until `deadline` at the latest: whether it has come.
  bool ends_by(Steady::time_point deadline) const;
  // Waits for its end: whether the command was a success. Blocks.
  bool ends_well() const;

 private:
  Fd life_;  // a pipe that the watcher has the other end of
};

// Starts a process that runs `command`, waits for it, calls `ended` with what came of it, and
// exits. The caller goes on at once. Success is exit 0; the error, also where it was killed, has
// the last of what the program wrote to standard output or error. `ended` runs in that process,
// which has none of our descriptors but standard error.
Result<Watcher> start_watched(const Command& command,
                              const std::function<void(const Status&)>& ended);

// Starts such a process that does `work`, and has `kept` of our descriptors too. It is killed after
// `limit`.
Result<Watcher> start_aside(std::chrono::seconds limit, const Fd& kept,
                            const std::function<void()>& work);

}  // namespace handoff::sys
