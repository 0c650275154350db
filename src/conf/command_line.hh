// The command line of handoffd, and the way from it to the settings in force.
#pragma once

#include <string>
#include <vector>

#include "conf/load.hh"

namespace handoff::conf {

// Where a configuration file is looked for without --config.
extern const char kDefaultFile[];

struct CommandLine {
  enum class Action { kServe, kStdin, kCheck, kDump, kVersion, kHelp };

  Action action = Action::kServe;
  bool foreground = false;
  std::string config_file;          // as given; empty: not given
  std::vector<Assignment> options;  // settings given as options, in their order
};

// Reads argv, without argv[0], and no file. Throws ConfigError (EX_USAGE).
CommandLine parse_command_line(const std::vector<std::string>& arguments);

// The settings in force: defaults, file and options. Reads the file each time, so a reload calls
// it again with the same command line. Throws ConfigError.
// Without --config the default file must be there, unless settings stand on the command line or
// the action is --dump.
Settings load(const CommandLine& line);

// A file for a program that has --config alone: `given`, or else the default file.
Settings load_file(const std::string& given);

// What --help prints.
std::string help_text();

}  // namespace handoff::conf
