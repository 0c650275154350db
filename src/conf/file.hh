// The configuration file: lines "KEY = VALUE", "[SECTION]" and "# comment". Each value keeps its
// line number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/assignment.hh"

namespace handoff::conf {

// Returns the assignments of a file, in their order. Checks that each key exists, but not the
// values. Throws ConfigError if the file cannot be read or a line is not an assignment.
std::vector<Assignment> read_file(const std::string& path);
std::vector<Assignment> read_text(std::string_view text, const std::string& file);

}  // namespace handoff::conf
