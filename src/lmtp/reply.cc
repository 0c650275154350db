#include "lmtp/reply.hh"

#include "base/text.hh"

namespace handoff::lmtp {
namespace {

constexpr std::size_t kReplyLine = 512;  // octets including the line end, RFC 5321 4.5.3.1.5
// A challenge of AUTH must not be truncated, and may be as long as a client's line (RFC 4954 4).
constexpr std::size_t kChallengeLine = 12288;

// Arguments come from the peer: control characters could end a reply line early, and a reply must
// be ASCII (RFC 5321 4.2 textstring).
void append_printable(std::string& out, std::string_view text) {
  for (char c : text) out += is_control(c) || !is_ascii(c) ? '?' : c;
}

}  // namespace

Reply::Reply(const Phrase& phrase, std::initializer_list<std::string_view> arguments)
    : code(phrase.code), status(phrase.status), reason(phrase.reason) {
  for (std::size_t i = 0; i < phrase.text.size(); ++i) {
    char c = phrase.text[i];
    if (c == '$' && i + 1 < phrase.text.size() && is_digit(phrase.text[i + 1])) {
      auto n = static_cast<std::size_t>(phrase.text[++i] - '1');
      if (n < arguments.size()) append_printable(text, arguments.begin()[n]);
    } else {
      text += c;
    }
  }
}

std::string Reply::one_line() const {
  std::string out = std::to_string(code) + " ";
  if (!status.empty()) out += status + " ";
  for (char c : text) out += c == '\n' ? ' ' : c;
  return out;
}

void Reply::append_to(std::string& out) const {
  auto limit = code == 334 ? kChallengeLine : kReplyLine;
  auto lines = split(text, '\n');
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto start = out.size();
    out += std::to_string(code);
    out += i + 1 < lines.size() ? '-' : ' ';
    if (!status.empty()) {
      out += status;
      out += ' ';
    }
    out += lines[i].substr(0, limit - 2 - (out.size() - start));
    out += "\r\n";
  }
}

}  // namespace handoff::lmtp
