#include "ctl/reply_reader.hh"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hh"

namespace handoff::ctl {
namespace {

// RFC 5321 4.5.3.1.5 has 512 octets for a line; a server that means well stays far below these.
constexpr std::size_t kMaxLine = 8192;
constexpr std::size_t kMaxLines = 1000;

Error failure(int code) { return Error{code, "read the reply", {}}; }

// Length of the status code ("2.1.5") that `text` begins with, where it is of reply code `code`'s
// class; else 0.
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

Result<std::string> ReplyReader::line(sys::Deadline deadline) {
  for (;;) {
    auto end = input_.find('\n');
    if (end != std::string::npos) {
      std::string out = input_.substr(0, end);
      input_.erase(0, end + 1);
      if (out.ends_with('\r')) out.pop_back();
      return out;
    }
    if (input_.size() > kMaxLine) return failure(EPROTO);
    std::array<char, 4096> buffer;
    auto input = stream_->read(buffer.data(), buffer.size(), deadline, false);
    switch (input.got) {
      case sys::Stream::Got::kOctets:
        input_.append(buffer.data(), input.size);
        break;
      case sys::Stream::Got::kTimeout:
        return failure(ETIMEDOUT);
      default:
        return failure(ECONNRESET);
    }
  }
}

Result<lmtp::Reply> ReplyReader::next(sys::Deadline deadline) {
  lmtp::Reply reply;
  for (std::size_t n = 0; n < kMaxLines; ++n) {
    auto got = line(deadline);
    if (!got) return got.error();
    std::string_view text = got.value();
    auto code = parse_number(text.substr(0, 3));
    bool well_formed = text.size() >= 3 && code && *code >= 200 && *code < 600 &&
                       (n == 0 || static_cast<int>(*code) == reply.code) &&
                       (text.size() == 3 || text[3] == ' ' || text[3] == '-');
    if (!well_formed) return failure(EPROTO);
    bool more = text.size() > 3 && text[3] == '-';
    text.remove_prefix(std::min<std::size_t>(text.size(), 4));
    reply.code = static_cast<int>(*code);
    auto length = status_length(text, reply.code);
    if (n == 0) reply.status = text.substr(0, length);
    text.remove_prefix(length);
    if (length > 0 && !text.empty()) text.remove_prefix(1);
    if (n > 0) reply.text += '\n';
    reply.text += text;
    if (!more) return reply;
  }
  return failure(EPROTO);
}

}  // namespace handoff::ctl
