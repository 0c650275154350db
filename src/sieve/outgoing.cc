#include "sieve/outgoing.hh"

#include "base/text.hh"
#include "sieve/decode.hh"
#include "sieve/moment.hh"

namespace handoff::sieve {
namespace {

constexpr std::size_t kFoldOutgoingAt = 76;

// Folds the value of a field at blanks, and omits control characters.
std::string folded(std::string_view name, std::string_view value) {
  std::string clean;
  for (char c : encode_words(value)) {
    if (!is_control(c)) clean += c;
  }
  std::string out(name);
  out += ':';
  std::size_t line = out.size();
  for (auto word : split(clean, ' ')) {
    if (line + word.size() + 1 > kFoldOutgoingAt && line > name.size() + 1) {
      out += "\r\n";
      line = 0;
    }
    out += ' ';
    out += word;
    line += word.size() + 1;
  }
  return out + "\r\n";
}

}  // namespace

std::string outgoing_header(const Facts& facts, const std::string& message_id,
                            const std::vector<std::pair<std::string_view, std::string>>& fields) {
  std::string out = folded("Date", Moment{facts.now, facts.zone}.std11());
  if (!message_id.empty()) out += folded("Message-ID", "<" + message_id + ">");
  for (const auto& [name, value] : fields) {
    if (!value.empty()) out += folded(name, value);
  }
  return out;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\r') continue;
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string text_entity(std::string_view text) {
  std::string head =
      all_ascii(text)
          ? "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n"
          : "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
  auto body = with_crlf(text);
  if (!body.ends_with('\n')) body += "\r\n";
  return head + "\r\n" + body;
}

std::string shortened(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (std::size_t characters = 0; at < text.size(); ++at) {
    bool starts = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts && characters++ == count - 1) {
      // The last place holds the final character of the text, or an ellipsis if more than one
      // character is left.
      auto next = at + 1;
      while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
      if (next == text.size()) return std::string(text);
      return std::string(text.substr(0, at)) + "\xe2\x80\xa6";
    }
  }
  return std::string(text);
}

}  // namespace handoff::sieve
