// A message as it stands in a file -> the octets that follow DATA (RFC 5321 4.5.2): lines end in
// CRLF, and one that begins with a dot gets another.
#pragma once

#include <string>
#include <string_view>

namespace handoff::ctl {

class LineEncoder {
 public:
  // Appends the encoded `octets` to `out`. A piece may end anywhere, between CR and LF too. A CR
  // that stands alone is left as it is.
  void encode(std::string_view octets, std::string& out);
  // Ends the last line where it has not ended, and the message: CRLF . CRLF.
  void finish(std::string& out);

 private:
  bool line_start_ = true;
  char last_ = 0;
};

}  // namespace handoff::ctl
