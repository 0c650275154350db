#include "proxy/reply_reader.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.hh"

namespace handoff::proxy {
namespace {

// RFC 5321 4.5.3.1.5 allows 512 octets a line; these limits stop only a broken server.
constexpr std::size_t kMaxLine = 8192;
constexpr std::size_t kMaxLines = 1000;

Error failure(int code) { return Error{code, "read the reply", {}}; }

// Returns the length of the status code ("2.1.5") at the start of `text` if it is of the same class
// as the reply code `code`; else 0.
std::size_t status_length(std::string_view text, int code) {
  auto word = text.substr(0, text.find(' '));
  auto parts = split(word, '.');
  bool status = parts.size() == 3 && parts[0] == std::to_string(code / 100) &&
                std::ranges::all_of(parts, [](std::string_view part) {
                  return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, is_digit);
                });
  return status ? word.size() : 0;
}

}  // namespace

Status ReplyParser::feed(std::string_view octets) {
  input_ += octets;
  std::string_view rest = input_;
  for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto taken = take_line(line); !taken) return taken;
  }
  input_.erase(0, input_.size() - rest.size());
  return input_.size() > kMaxLine ? Status(failure(EPROTO)) : Status();
}

Status ReplyParser::take_line(std::string_view text) {
  auto code = parse_number(text.substr(0, 3));
  bool well_formed = text.size() >= 3 && code && *code >= 200 && *code < 600 &&
                     (lines_ == 0 || static_cast<int>(*code) == reply_.code) &&
                     (text.size() == 3 || text[3] == ' ' || text[3] == '-');
  if (!well_formed || lines_ >= kMaxLines) return failure(EPROTO);
  bool more = text.size() > 3 && text[3] == '-';
  text.remove_prefix(std::min<std::size_t>(text.size(), 4));
  reply_.code = static_cast<int>(*code);
  auto length = status_length(text, reply_.code);
  if (lines_ == 0) reply_.status = text.substr(0, length);
  text.remove_prefix(length);
  if (length > 0 && !text.empty()) text.remove_prefix(1);
  if (lines_++ > 0) reply_.text += '\n';
  reply_.text += text;
  if (more) return {};
  replies_.push_back(std::exchange(reply_, {}));
  lines_ = 0;
  return {};
}

std::optional<lmtp::Reply> ReplyParser::next() {
  if (replies_.empty()) return std::nullopt;
  auto reply = std::move(replies_.front());
  replies_.pop_front();
  return reply;
}

Result<lmtp::Reply> ReplyReader::next(sys::Deadline deadline) {
  for (;;) {
    if (auto reply = parser_.next()) return *std::move(reply);
    std::array<char, 4096> buffer;
    auto input = stream_->read(buffer.data(), buffer.size(), deadline, false);
    switch (input.got) {
      case sys::Stream::Got::kOctets:
        if (auto fed = parser_.feed({buffer.data(), input.size}); !fed) return fed.error();
        break;
      case sys::Stream::Got::kTimeout:
        return failure(ETIMEDOUT);
      default:
        return failure(ECONNRESET);
    }
  }
}

}  // namespace handoff::proxy
