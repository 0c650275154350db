// The configuration file: Boost.Program_options parses it, and each value keeps the line that it
// stands on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/assignment.hh"
#include "conf/error.hh"

namespace handoff::conf {

// The assignments of a file, in their order. Each key is known; values are as written. Throws
// ConfigError where the file cannot be read or a line is no assignment.
std::vector<Assignment> read_file(const std::string& path);
std::vector<Assignment> read_text(std::string_view text, const std::string& file);

}  // namespace handoff::conf
