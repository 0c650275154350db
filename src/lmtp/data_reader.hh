// Readers of content: DATA up to its end, BDAT by counting, and a check of line ends. They return
// slices of the caller's buffer without copying and hold no content, however long a line is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace handoff::lmtp {

// Finds the end of DATA and undoes dot-stuffing (RFC 5321 4.5.2).
class DataReader {
 public:
  struct Piece {
    std::string_view octets;  // content; points into `input`, or is static
    bool end;                 // CRLF . CRLF was read; the rest of `input` is commands
  };

  // Consumes octets from the front of `input`. Each call consumes something or returns a CR that
  // was held back, unless `input` was empty. A piece may be empty, for example if a dot was
  // removed; the piece with `end` always is.
  //
  // Only CRLF . CRLF ends the data. Its first CRLF is content; the first line counts as following a
  // CRLF. LF . LF, CR . CR and mixtures are content.
  Piece next(std::string_view& input);

 private:
  enum class State { kLineStart, kDot, kDotCr, kText, kTextCr };
  State state_ = State::kLineStart;
};

// Counts the octets of one BDAT chunk (RFC 3030 2) without looking at them.
class ChunkReader {
 public:
  explicit ChunkReader(std::uint64_t octets = 0) : left_(octets) {}
  bool done() const { return left_ == 0; }

  // Consumes the chunk's octets from the front of `input`.
  std::string_view next(std::string_view& input) {
    auto piece =
        input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
    input.remove_prefix(piece.size());
    left_ -= piece.size();
    return piece;
  }

 private:
  std::uint64_t left_;
};

// Looks for a CR or LF outside CRLF (protocol.bare-newlines = reject).
class NewlineCheck {
 public:
  void look_at(std::string_view octets) {
    for (char c : octets) {
      bare_ = bare_ || (last_ == '\r') != (c == '\n');
      last_ = c;
    }
  }
  // Returns whether one was found. If the content has `ended`, a CR as its last octet counts too.
  bool bare(bool ended) const { return bare_ || (ended && last_ == '\r'); }

 private:
  bool bare_ = false;
  char last_ = 0;
};

}  // namespace handoff::lmtp
