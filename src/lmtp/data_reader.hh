// The content of DATA: finds its end and undoes dot-stuffing (RFC 5321 4.5.2). Content passes in
// slices of the caller's buffer, uncopied; nothing is held however long a line is.
#pragma once

#include <string_view>

namespace handoff::lmtp {

class DataReader {
 public:
  struct Piece {
    std::string_view octets;  // content; lies in `input`, or is static
    bool end;                 // CRLF . CRLF was read; what is left of `input` are commands
  };

  // Takes octets off the front of `input`. Each call consumes something or returns a CR that was
  // held back, or `input` was empty; a piece may be empty (a dot was undone) and an end comes
  // without octets.
  //
  // Only CRLF . CRLF ends the data; its first CRLF is content, and the data as a whole begins
  // behind a CRLF (that of the DATA command). LF . LF, CR . CR and all mixtures are content.
  Piece next(std::string_view& input);

 private:
  enum class State { kLineStart, kDot, kDotCr, kText, kTextCr };
  State state_ = State::kLineStart;
};

}  // namespace handoff::lmtp
