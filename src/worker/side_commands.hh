// Commands of the site that are started beside a delivery and not waited for; the log hears what
// became of each.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hh"
#include "sys/command.hh"
#include "sys/log.hh"

namespace handoff::worker {

class SideCommands {
 public:
  // What the log says.
  struct Words {
    std::string done;
    std::string failed;
    std::string too_many;
  };

  // `log` outlives the object. `patience`: how long one waits where too many are under way.
  SideCommands(const sys::Log& log, Words words, std::chrono::milliseconds patience = {})
      : log_(log), words_(std::move(words)), patience_(patience) {}

  // Starts `command` unless too many of them are, and stay, under way; `fields` are those of its
  // log line.
  void start(const sys::Command& command, sys::Fields fields);

 private:
  bool has_place();

  const sys::Log& log_;
  Words words_;
  std::chrono::milliseconds patience_;
  std::vector<sys::Watcher> under_way_;
};

}  // namespace handoff::worker
