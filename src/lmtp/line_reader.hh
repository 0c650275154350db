// Cuts command lines out of the input. First station of a byte that is not content.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::lmtp {

class LineReader {
 public:
  // `lenient`: a bare LF ends a line too (protocol.lenient-newlines). Else only CRLF does
  // (RFC 5321 2.3.8), and a bare LF is part of the line.
  explicit LineReader(bool lenient) : lenient_(lenient) {}

  // What is kept of a line that is too long: enough to see that it announces a chunk, and how long.
  static constexpr std::size_t kHead = 64;

  struct Line {
    std::string_view text;  // without its line end; valid until the next call or change of input
    bool too_long;          // it had more octets than the limit, line end included; text is then
                            // its first kHead octets
  };

  // Takes the next whole line off the front of `input`; nothing, with all of `input` consumed and
  // kept, where it has not ended yet. Holds at most `limit` octets however long the line is.
  std::optional<Line> next(std::string_view& input, std::size_t limit);

  // Whether a line has begun and not ended.
  bool in_line() const { return in_line_; }
  // Forgets a line that has begun (RFC 3207 4.2: nothing survives a TLS handshake).
  void clear();

 private:
  std::size_t find_end(std::string_view input) const;
  void keep(std::string_view piece, std::size_t limit);

  bool lenient_;
  bool in_line_ = false;
  bool overflowed_ = false;
  char last_ = 0;       // last octet seen of the line so far: a CR may end one buffer, its LF begin
                        // the next
  bool given_ = false;  // partial_ was handed out as a line and is to be cleared
  std::string partial_;
};

}  // namespace handoff::lmtp
