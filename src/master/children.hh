// The master's child processes. Each one first closes what only the master may hold. The master
// keeps it in a list until waitpid has reported its end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

#include "base/result.hh"

namespace handoff::master {

class Children {
 public:
  // `in_child` is called in each child before anything else.
  explicit Children(std::function<void()> in_child) : in_child_(std::move(in_child)) {}

  // Forks; the child runs `main` with default signals and exits with its result (EX_SOFTWARE if it
  // throws). `ended` is called in the master, by reap(), with the status of waitpid.
  Result<pid_t> start(const std::function<int()>& main, std::function<void(int status)> ended);
  // The same, for a caller that then adds the child with adopt().
  Result<pid_t> fork(const std::function<int()>& main);
  // Adds a child that start() did not start: one that the previous program image of this process or
  // the fork server has forked.
  void adopt(pid_t pid, std::function<void(int status)> ended) { ended_[pid] = std::move(ended); }
  // Returns whether the child has not been reaped yet.
  bool has(pid_t pid) const { return ended_.contains(pid); }
  // Calls `ended` for each child that has ended. Never blocks.
  void reap();

 private:
  std::function<void()> in_child_;
  std::map<pid_t, std::function<void(int)>> ended_;
};

}  // namespace handoff::master
