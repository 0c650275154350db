#include "ctl/paint.hh"

#include "sys/terminal.hh"

namespace handoff::ctl {

Paint Paint::on(int fd) { return Paint(sys::takes_colour(fd)); }

std::string Paint::in(const char* colour, std::string_view text) const {
  if (!colours_) return std::string(text);
  return std::string("\x1b[") + colour + "m" + std::string(text) + "\x1b[m";
}

}  // namespace handoff::ctl
