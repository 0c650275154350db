// What is wrong with the configuration or the command line. Thrown while starting up (and while
// reloading, where the caller keeps what it has).
#pragma once

#include <sysexits.h>

#include <stdexcept>
#include <string>

namespace handoff::conf {

// what() is for the operator, whole: "/etc/handoffd.conf:12: spool.newline = unix: must be …".
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(const std::string& what, int exit_code = EX_CONFIG)
      : std::runtime_error(what), exit_code_(exit_code) {}
  // EX_USAGE for a command line that cannot be read, EX_CONFIG for a value or a file.
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace handoff::conf
