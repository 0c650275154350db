#include "status/wire.hh"

#include "base/text.hh"

namespace handoff::status {
namespace {

// The kind, whether it succeeded, and the length of the text in octets.
constexpr std::size_t kLengthDigits = 9;
constexpr std::size_t kHeader = 2 + kLengthDigits;

}  // namespace

std::string pack(const Answer& answer) {
  auto length = std::to_string(answer.text.size());
  std::string out{static_cast<char>(answer.to), answer.ok ? '1' : '0'};
  return out + std::string(kLengthDigits - length.size(), '0') + length + answer.text;
}

std::optional<Answer> AnswerReader::next() {
  if (octets_.size() < kHeader) return std::nullopt;
  auto length = parse_number(std::string_view(octets_).substr(2, kLengthDigits)).value_or(0);
  if (octets_.size() < kHeader + length) return std::nullopt;
  Answer out{static_cast<Ask>(octets_[0]), octets_[1] == '1', octets_.substr(kHeader, length)};
  octets_.erase(0, kHeader + length);
  return out;
}

}  // namespace handoff::status
