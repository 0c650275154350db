// Words in colour, for whoever reads at a terminal: what they say is the same without.
#pragma once

#include <string>
#include <string_view>

namespace handoff::ctl {

class Paint {
 public:
  Paint() = default;  // none
  // For what is written to this descriptor: see sys::takes_colour().
  static Paint on(int fd);

  std::string good(std::string_view text) const { return in("32", text); }  // green
  std::string care(std::string_view text) const { return in("33", text); }  // yellow
  std::string bad(std::string_view text) const { return in("31", text); }   // red

 private:
  explicit Paint(bool colours) : colours_(colours) {}
  // ECMA-48 8.3.117, SGR.
  std::string in(const char* colour, std::string_view text) const;

  bool colours_ = false;
};

}  // namespace handoff::ctl
