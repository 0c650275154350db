#include "sys/terminal.hh"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace handoff::sys {

std::optional<TerminalSize> terminal_size(int fd) {
  if (::isatty(fd) != 1) return std::nullopt;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return TerminalSize{};
  return TerminalSize{size.ws_row, size.ws_col};
}

bool takes_colour(int fd) {
  const char* type = std::getenv("TERM");
  const char* none = std::getenv("NO_COLOR");
  bool can = type != nullptr && *type != '\0' && std::string_view(type) != "dumb";
  return can && (none == nullptr || *none == '\0') && ::isatty(fd) == 1;
}

}  // namespace handoff::sys
