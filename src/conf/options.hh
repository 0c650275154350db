// The table of settings as Boost.Program_options wants it.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <string_view>

namespace handoff::conf {

// Columns of --help.
inline constexpr unsigned kHelpWidth = 96;

// One group for the top, then one for each section.
boost::program_options::options_description setting_options();

// "; did you mean spool.newline?" with `prefix` before the name; empty where no name is near.
std::string did_you_mean(std::string_view name, std::string_view prefix = "");

}  // namespace handoff::conf
