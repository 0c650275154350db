// The table of settings in the form that Boost.Program_options needs.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <string_view>

namespace handoff::conf {

// Columns of --help.
inline constexpr unsigned kHelpWidth = 96;

// One group for settings without a section, then one for each section.
boost::program_options::options_description setting_options();

// Returns "; did you mean spool.newline?", with `prefix` before the name; empty if no name is
// similar.
std::string did_you_mean(std::string_view name, std::string_view prefix = "");

}  // namespace handoff::conf
