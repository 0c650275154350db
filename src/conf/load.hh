// The effective settings: the defaults, overridden by the file, overridden by the command line.
// file.hh and command_line.hh read the assignments; the table in settings.cc checks the values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/assignment.hh"
#include "conf/config.hh"

namespace handoff::conf {

// The effective settings as text, by name, and typed. `values` has every setting of the table
// except those without a value.
struct Settings {
  std::map<std::string, std::vector<Assignment>, std::less<>> values;
  Config config;
};

// Applies the defaults, then `file`, then `options`; each replaces all earlier values of the same
// key. Throws ConfigError at the first value that is invalid or contradicts another.
Settings combine(const std::vector<Assignment>& file, const std::vector<Assignment>& options,
                 LookupParser parse_lookup);

// Makes `settings.config` from `settings.values`. Throws ConfigError like combine().
void work_out(Settings& settings, LookupParser parse_lookup);

struct DumpOptions {
  bool secrets = false;  // show passwords; a dump without them does not load to the same settings
  bool changed = false;  // only settings that differ from their defaults
};
// Returns a file that loads to the same settings: one "key = value" per line, in the table's order.
std::string dump(const Settings& settings, const DumpOptions& options);

// Returns the settings that differ and need a restart, for the log.
std::vector<std::string_view> need_restart(const Settings& running, const Settings& wanted);

// Returns `wanted`, but with the running values of settings that need a restart. Throws ConfigError
// if the two contradict each other.
Settings carry_over(const Settings& running, const Settings& wanted);

}  // namespace handoff::conf
