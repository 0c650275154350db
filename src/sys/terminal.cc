#include "sys/terminal.hh"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace handoff::sys {

std::optional<std::size_t> terminal_lines(int fd) {
  if (::isatty(fd) != 1) return std::nullopt;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_row;
}

bool takes_colour(int fd) {
  const char* type = std::getenv("TERM");
  const char* none = std::getenv("NO_COLOR");
  bool can = type != nullptr && *type != '\0' && std::string_view(type) != "dumb";
  return can && (none == nullptr || *none == '\0') && ::isatty(fd) == 1;
}

}  // namespace handoff::sys
