// The master's child processes: forked with what a child of this master needs to be rid of, and
// remembered until waitpid has told their end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

#include "base/result.hh"

namespace handoff::master {

class Children {
 public:
  // `in_child` is called in each child before anything else: it lets go of what is the master's.
  explicit Children(std::function<void()> in_child) : in_child_(std::move(in_child)) {}

  // Forks; the child runs `main` with default signals and exits with its result (EX_SOFTWARE where
  // it throws). `ended` is called in the master, by reap(), with the status of waitpid.
  Result<pid_t> start(const std::function<int()>& main, std::function<void(int status)> ended);
  // Children of the program that this process ran before.
  void adopt(pid_t pid, std::function<void(int status)> ended) { ended_[pid] = std::move(ended); }
  // Whether it has not been reaped yet.
  bool has(pid_t pid) const { return ended_.contains(pid); }
  // Calls `ended` of each that has. Never blocks.
  void reap();

 private:
  std::function<void()> in_child_;
  std::map<pid_t, std::function<void(int)>> ended_;
};

}  // namespace handoff::master
