#include "lmtp/line_reader.hh"

#include <algorithm>

namespace handoff::lmtp {

void LineReader::clear() {
  partial_.clear();
  in_line_ = overflowed_ = given_ = false;
  last_ = 0;
}

// Returns the offset after the line end, or npos.
std::size_t LineReader::find_end(std::string_view input) const {
  for (auto at = input.find('\n'); at != std::string_view::npos; at = input.find('\n', at + 1)) {
    char before = at > 0 ? input[at - 1] : last_;
    if (lenient_ || before == '\r') return at + 1;
  }
  return std::string_view::npos;
}

void LineReader::keep(std::string_view piece, std::size_t limit) {
  if (piece.empty()) return;
  in_line_ = true;
  last_ = piece.back();
  if (overflowed_ || partial_.size() + piece.size() > limit) {
    overflowed_ = true;
    if (partial_.size() < kHead) partial_ += piece.substr(0, kHead - partial_.size());
    partial_.resize(std::min(partial_.size(), kHead));
  } else {
    partial_ += piece;
  }
}

std::optional<LineReader::Line> LineReader::next(std::string_view& input, std::size_t limit) {
  if (given_) clear();
  auto end = find_end(input);
  if (end == std::string_view::npos) {
    keep(input, limit);
    input = {};
    return std::nullopt;
  }
  std::string_view text = input.substr(0, end);
  input.remove_prefix(end);
  given_ = true;
  if (in_line_) {
    keep(text, limit);
    text = partial_;
    in_line_ = false;
  } else {
    overflowed_ = text.size() > limit;
  }
  if (overflowed_) return Line{text.substr(0, kHead), true};
  text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return Line{text, false};
}

}  // namespace handoff::lmtp
