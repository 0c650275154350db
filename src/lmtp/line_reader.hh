// Splits the input into command lines.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::lmtp {

class LineReader {
 public:
  // `lenient`: a bare LF also ends a line (protocol.lenient-newlines). Otherwise only CRLF does
  // (RFC 5321 2.3.8), and a bare LF is part of the line.
  explicit LineReader(bool lenient) : lenient_(lenient) {}

  // Octets kept of a line that is too long: enough to read the verb BDAT and the size of the chunk.
  static constexpr std::size_t kHead = 64;

  struct Line {
    std::string_view text;  // without its line end; valid until the next call or change of input
    bool too_long;  // longer than the limit, including the line end; text is its first kHead octets
  };

  // Consumes the next complete line from the front of `input`. If the line is incomplete, consumes
  // and keeps all of `input` and returns nothing. Holds at most `limit` octets, however long the
  // line is.
  std::optional<Line> next(std::string_view& input, std::size_t limit);

  // Returns whether an incomplete line is held.
  bool in_line() const { return in_line_; }
  // Drops an incomplete line (RFC 3207 4.2: nothing survives a TLS handshake).
  void clear();

 private:
  std::size_t find_end(std::string_view input) const;
  void keep(std::string_view piece, std::size_t limit);

  bool lenient_;
  bool in_line_ = false;
  bool overflowed_ = false;
  // The last octet of the incomplete line, because a CRLF may be split between two buffers.
  char last_ = 0;
  bool given_ = false;  // partial_ was returned as a line; clear it at the next call
  std::string partial_;
};

}  // namespace handoff::lmtp
