// Whether content has a CR or LF outside CRLF (protocol.bare-newlines = reject). A streaming check
// with one octet of memory.
#pragma once

#include <string_view>

namespace handoff::lmtp {

class NewlineCheck {
 public:
  void look_at(std::string_view octets) {
    for (char c : octets) {
      bare_ = bare_ || (last_ == '\r') != (c == '\n');
      last_ = c;
    }
  }
  // Whether a bare one was seen; with `ended`, a CR as the very last octet is one.
  bool bare(bool ended) const { return bare_ || (ended && last_ == '\r'); }

 private:
  bool bare_ = false;
  char last_ = 0;
};

}  // namespace handoff::lmtp
