// The terminal that somebody reads on.
#pragma once

#include <cstddef>
#include <optional>

namespace handoff::sys {

// How many lines the terminal on this descriptor has now; 0 where it does not say. Nothing where it
// is no terminal.
std::optional<std::size_t> terminal_lines(int fd);

// Whether colours are wanted on this descriptor: a terminal that has them (not TERM=dumb), and
// nobody who has set NO_COLOR (no-color.org).
bool takes_colour(int fd);

}  // namespace handoff::sys
