// The status table of the server, fitted to the terminal that shows it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ctl/colours.hh"

namespace handoff::ctl {

// Lines longer than `columns` are wrapped after their label at blanks; those of the table of
// workers are truncated, and end in "~". The state and the failures are coloured.
std::string fit_table(std::string_view table, std::size_t columns, const Colours& colours);

// Returns the part of `text` that fits on a screen of `lines` lines with the cursor below it; 0:
// all of it.
std::string fit_screen(std::string_view text, std::size_t lines);

}  // namespace handoff::ctl
