// The command line of handoffd, and the effective settings that follow from it.
#pragma once

#include <string>
#include <vector>

#include "conf/load.hh"

namespace handoff::conf {

// The configuration file if there is no --config.
extern const char kDefaultFile[];

struct CommandLine {
  enum class Action { kServe, kStdin, kCheck, kDump, kVersion, kHelp };

  Action action = Action::kServe;
  bool foreground = false;
  DumpOptions dump;                 // for kDump
  std::string config_file;          // as given; empty if not given
  std::vector<Assignment> options;  // settings given as options, in their order
};

// Parses argv without argv[0]; reads no file. Throws ConfigError (EX_USAGE).
CommandLine parse_command_line(const std::vector<std::string>& arguments);

// Returns the effective settings, from defaults, file and options. Reads the file each time, so a
// reload calls it again with the same command line. Without --config, the default file must exist
// unless the command line contains settings or the action is --dump. Throws ConfigError.
Settings load(const CommandLine& line, LookupParser parse_lookup);

// The same for a program that has only --config: reads `given`, or else the default file.
Settings load_file(const std::string& given, LookupParser parse_lookup);

// Returns the output of --help.
std::string help_text();

}  // namespace handoff::conf
