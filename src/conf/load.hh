// The settings in force: the table's defaults, the file and the command line, one above the other.
// file.hh and command_line.hh bring the assignments; the table in settings.cc says what a value may
// be.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/assignment.hh"
#include "conf/config.hh"
#include "conf/error.hh"

namespace handoff::conf {

// The effective settings: as text, by name, and typed. `values` has every setting of the table
// but those without a value.
struct Settings {
  std::map<std::string, std::vector<Assignment>, std::less<>> values;
  Config config;
};

// Defaults, then `file`, then `options`, each key of a later one replacing all values of the
// earlier. Throws ConfigError at the first value that cannot be, or that contradicts another.
Settings combine(const std::vector<Assignment>& file, const std::vector<Assignment>& options);

// As a file that loads to the same settings: one "key = value" a line, in the table's order.
std::string dump(const Settings& settings);

// The settings that differ and that a reload does not take, for the log.
std::vector<std::string_view> need_restart(const Settings& running, const Settings& wanted);

// `wanted`, but for the settings that a reload does not take: they stay as they run. Throws
// ConfigError where the two do not go together.
Settings carry_over(const Settings& running, const Settings& wanted);

}  // namespace handoff::conf
