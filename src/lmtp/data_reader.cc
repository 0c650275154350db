#include "lmtp/data_reader.hh"

#include <cstring>

namespace handoff::lmtp {
namespace {

constexpr std::string_view kCr = "\r";

std::string_view take(std::string_view& input, std::size_t n) {
  auto piece = input.substr(0, n);
  input.remove_prefix(n);
  return piece;
}

}  // namespace

DataReader::Piece DataReader::next(std::string_view& input) {
  if (input.empty()) return {{}, false};
  switch (state_) {
    case State::kLineStart:
      if (input.front() == '.') {  // the end, or a stuffed dot: not content in either case
        take(input, 1);
        state_ = State::kDot;
        return {{}, false};
      }
      break;
    case State::kDot:
      if (input.front() == '\r') {  // content only if no LF follows
        take(input, 1);
        state_ = State::kDotCr;
        return {{}, false};
      }
      break;
    case State::kDotCr:
      if (input.front() == '\n') {
        take(input, 1);
        state_ = State::kLineStart;
        return {{}, true};
      }
      state_ = State::kTextCr;  // the CR is content
      return {kCr, false};
    case State::kTextCr:
      if (input.front() == '\n') {
        state_ = State::kLineStart;
        return {take(input, 1), false};
      }
      break;
    case State::kText:
      break;
  }

  // Inside a line, everything up to a dot at the start of a line is content.
  std::size_t at = 0;
  while (const void* lf = std::memchr(input.data() + at, '\n', input.size() - at)) {
    at = static_cast<std::size_t>(static_cast<const char*>(lf) - input.data()) + 1;
    if (at < 2 || input[at - 2] != '\r') continue;
    if (at == input.size() || input[at] == '.') {
      state_ = State::kLineStart;
      return {take(input, at), false};
    }
  }
  state_ = input.back() == '\r' ? State::kTextCr : State::kText;
  return {take(input, input.size()), false};
}

}  // namespace handoff::lmtp
