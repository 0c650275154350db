// Colours for output on a terminal. Without a terminal the text is unchanged.
#pragma once

#include <string>
#include <string_view>

#include "sys/terminal.hh"

namespace handoff::ctl {

class Colours {
 public:
  Colours() = default;  // none
  // Returns colours for output to this descriptor if sys::takes_colour() allows them.
  static Colours on(int fd) { return Colours(sys::takes_colour(fd)); }

  std::string green(std::string_view text) const { return in("32", text); }
  std::string yellow(std::string_view text) const { return in("33", text); }
  std::string red(std::string_view text) const { return in("31", text); }

 private:
  explicit Colours(bool enabled) : enabled_(enabled) {}
  // ECMA-48 8.3.117, SGR.
  std::string in(const char* colour, std::string_view text) const {
    if (!enabled_) return std::string(text);
    return std::string("\x1b[") + colour + "m" + std::string(text) + "\x1b[m";
  }

  bool enabled_ = false;
};

}  // namespace handoff::ctl
