// A value of a setting as written by the user, and where it was written, for error messages. Also
// the exception that carries such a message.
#pragma once

#include <sysexits.h>

#include <stdexcept>
#include <string>

namespace handoff::conf {

struct Assignment {
  enum class Source { kDefault, kFile, kOption };

  std::string key;
  std::string value;
  Source source = Source::kDefault;
  std::string file = {};  // kFile
  unsigned line = 0;      // kFile, from 1

  // "/etc/handoffd.conf:12", "option --spool.newline"; empty for a default.
  std::string origin() const;
  // Returns the start of an error message: "/etc/handoffd.conf:12: spool.newline = unix: ".
  std::string where() const;
};

// An error in the configuration or the command line. Thrown at start, and at a reload, whose caller
// then keeps the running configuration. what() is the complete message for the operator:
// "/etc/handoffd.conf:12: spool.newline = unix: must be …".
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(const std::string& what, int exit_code = EX_CONFIG)
      : std::runtime_error(what), exit_code_(exit_code) {}
  // EX_USAGE for a malformed command line, EX_CONFIG for a value or a file.
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace handoff::conf
