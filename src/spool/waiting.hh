// Shows that a server waits for a spool that another host has: the file RUN/waiting, which contains
// the name of that host. The process that waits has the file locked, so a file that it left behind
// when it was killed does not count.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "sys/files.hh"

namespace handoff::spool {

class Waiting {
 public:
  // `run` is the run directory (SpoolOptions::run). The file is removed with the object. If it
  // cannot be created, nothing is shown.
  Waiting(sys::Files& files, sys::Fd run, const std::string& host);
  Waiting(Waiting&&) = delete;
  ~Waiting();

  // Returns the host for which a process waits.
  static std::optional<std::string> host(sys::Files& files, const sys::Fd& run);

 private:
  sys::Files& files_;
  sys::Fd run_;
  sys::Fd file_;  // locked
};

}  // namespace handoff::spool
