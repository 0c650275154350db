// The terminal that somebody reads on.
#pragma once

#include <cstddef>
#include <optional>

namespace handoff::sys {

// How many lines the terminal on this descriptor has now; 0 where it does not say. Nothing where it
// is no terminal.
std::optional<std::size_t> terminal_lines(int fd);

}  // namespace handoff::sys
