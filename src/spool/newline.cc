#include "spool/newline.hh"

namespace handoff::spool {

void CrlfToLf::convert(std::string_view octets, std::string& out) {
  if (octets.empty()) return;
  if (held_) {
    if (octets.front() != '\n') out += '\r';
    held_ = false;
  }
  for (;;) {
    auto cr = octets.find('\r');
    if (cr == octets.npos) {
      out += octets;
      return;
    }
    out += octets.substr(0, cr);
    octets.remove_prefix(cr + 1);
    if (octets.empty()) {
      held_ = true;
      return;
    }
    if (octets.front() != '\n') out += '\r';
  }
}

void CrlfToLf::finish(std::string& out) {
  if (held_) out += '\r';
  held_ = false;
}

}  // namespace handoff::spool
