#include "sys/terminal.hh"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace handoff::sys {

std::optional<std::size_t> terminal_lines(int fd) {
  if (::isatty(fd) != 1) return std::nullopt;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_row;
}

}  // namespace handoff::sys
