// Encodes a message for DATA (RFC 5321 4.5.2): lines end in CRLF, and a line that begins with a dot
// gets a second dot.
#pragma once

#include <string>
#include <string_view>

namespace handoff::proxy {

class LineEncoder {
 public:
  // Appends the encoded `octets` to `out`. They may end anywhere, even between CR and LF. A CR
  // without LF is kept.
  void encode(std::string_view octets, std::string& out);
  // Ends the last line if necessary, and the message: CRLF . CRLF.
  void finish(std::string& out);

 private:
  bool line_start_ = true;
  char last_ = 0;
};

}  // namespace handoff::proxy
