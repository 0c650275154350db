// A subcommand of handoffctl.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handoff::ctl {

struct Invocation {
  std::string config_file;             // --config; empty: the default file
  std::vector<std::string> arguments;  // behind the subcommand's name
};

struct Command {
  std::string_view name;
  std::string_view usage;  // what follows the name
  std::string_view help;
  // The exit code. Throws conf::ConfigError.
  int (*run)(const Invocation& invocation);
};

}  // namespace handoff::ctl
