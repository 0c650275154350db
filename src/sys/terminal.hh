// The terminal that a person reads.
#pragma once

#include <cstddef>
#include <optional>

namespace handoff::sys {

struct TerminalSize {
  std::size_t lines = 0;    // 0: unknown
  std::size_t columns = 0;  // likewise
};

// Returns the present size of the terminal on this descriptor; nothing if it is not a terminal.
std::optional<TerminalSize> terminal_size(int fd);

// Returns whether output to this descriptor may be coloured: it is a terminal with colours (not
// TERM=dumb), and NO_COLOR is not set (no-color.org).
bool takes_colour(int fd);

}  // namespace handoff::sys
