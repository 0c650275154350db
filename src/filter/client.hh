// The worker's connection to its filter process.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "filter/wire.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::filter {

// Answers the questions of the filter process.
class Answers {
 public:
  virtual ~Answers() = default;
  // Returns the file of a script to include; nothing if there is none of that name.
  virtual Result<std::optional<sys::Fd>> script(sieve::ScriptPlace place,
                                                const std::string& name) = 0;
  virtual Result<bool> folder_exists(const std::string& folder) = 0;
  virtual Result<bool> special_use_exists(const std::string& folder, const std::string& use) = 0;
  virtual Result<bool> seen(const sieve::Mark& mark) = 0;
};

class Client {
 public:
  // `starter`: the socket to the process that starts filter processes. Has it start one.
  explicit Client(sys::Fd starter) : starter_(std::move(starter)) { replace(); }

  // Runs the scripts of one recipient over `message`, a file open for reading. `scripts` are the
  // files of job.scripts. ETIMEDOUT if that takes longer than `timeout`, EPIPE if the process has
  // ended, EPROTO if it has sent something malformed; the next run is by another process. Blocks.
  Result<Verdict> run(const Job& job, const sys::Fd& message, const std::vector<sys::Fd>& scripts,
                      Answers& answers, std::chrono::milliseconds timeout);
  // Kills the filter process and has another one started: call if its verdict is not valid.
  void replace();
  // No filter process can be started any more: the worker should end.
  bool is_broken() const { return !starter_; }

 private:
  // Whether there is a process that waits for a job.
  bool is_ready() const;
  Result<Verdict> talk(const Job& job, const sys::Fd& message, const std::vector<sys::Fd>& scripts,
                       Answers& answers, sys::Steady::time_point until);
  Status answer(const Question& question, Answers& answers, sys::Steady::time_point until);

  sys::Fd starter_;
  sys::Fd socket_;  // to the filter process
};

}  // namespace handoff::filter
