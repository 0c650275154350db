#include "sieve/lexer.hh"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.hh"

namespace handoff::sieve {
namespace {

constexpr std::string_view kMarks = "()[]{},;";

bool starts_identifier(char c) { return is_alpha(c) || c == '_'; }
bool in_identifier(char c) { return starts_identifier(c) || is_digit(c); }

// RFC 5228 2.4.1: K, M and G are powers of two.
unsigned quantifier(char c) {
  switch (lower(c)) {
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    default:
      return 0;
  }
}

// RFC 5228 8.1: lines end in CRLF, also within strings; scripts in files may use a bare LF.
void append(std::string& text, char c) {
  if (c == '\n' && !text.ends_with('\r')) text += '\r';
  text += c;
}

// "rule:[NAME]" in a comment.
std::string rule_name(std::string_view comment) {
  comment = trim(comment);
  if (!istarts_with(comment, "rule:[")) return {};
  auto end = comment.rfind(']');
  if (end == std::string_view::npos || end < 6) return {};
  return std::string(comment.substr(6, end - 6));
}

}  // namespace

std::string_view Lexer::take(std::size_t count) {
  auto taken = rest_.substr(0, count);
  rest_.remove_prefix(taken.size());
  line_ += static_cast<std::size_t>(std::ranges::count(taken, '\n'));
  return taken;
}

Token Lexer::bad(Token token, std::string what) {
  token.kind = TokenKind::kBad;
  token.text = std::move(what);
  return token;
}

void Lexer::skip_comment(Token& token) {
  if (rest_.front() == '#') {
    auto comment = take(std::min(rest_.find('\n'), rest_.size()));
    comment.remove_prefix(1);
    if (auto name = rule_name(comment); !name.empty()) token.rule = name;
    return;
  }
  auto end = rest_.find("*/", 2);
  if (end == std::string_view::npos) {
    bad_comment_ = "a comment that begins with /* does not end";
    rest_ = {};
    return;
  }
  take(end + 2);
}

void Lexer::skip_blanks(Token& token) {
  while (!rest_.empty()) {
    char c = rest_.front();
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      take(1);
    } else if (c == '#' || rest_.starts_with("/*")) {
      skip_comment(token);
    } else {
      return;
    }
  }
}

Token Lexer::next() {
  Token token;
  auto before = line_;
  skip_blanks(token);
  token.line = line_;
  if (!bad_comment_.empty()) {
    token.line = before;
    return bad(std::move(token), std::exchange(bad_comment_, {}));
  }
  if (rest_.empty()) return token;
  char c = rest_.front();
  if (starts_identifier(c)) return identifier(std::move(token));
  if (c == ':' && rest_.size() > 1 && starts_identifier(rest_[1])) {
    take(1);
    token.kind = TokenKind::kTag;
    return identifier(std::move(token));
  }
  if (is_digit(c)) return number(std::move(token));
  if (c == '"') return quoted(std::move(token));
  token.text = take(1);
  if (kMarks.find(c) != std::string_view::npos) {
    token.kind = TokenKind::kMark;
    return token;
  }
  return bad(std::move(token), "unexpected character '" + escape({&c, 1}) + "'");
}

Token Lexer::identifier(Token token) {
  bool tag = token.kind == TokenKind::kTag;
  token.kind = tag ? TokenKind::kTag : TokenKind::kIdentifier;
  auto size =
      static_cast<std::size_t>(std::ranges::find_if_not(rest_, in_identifier) - rest_.begin());
  token.text = take(size);
  if (size > limits_.identifier_size) {
    return bad(std::move(token),
               "a name has more than " + std::to_string(limits_.identifier_size) + " characters");
  }
  if (!tag && iequals(token.text, "text") && rest_.starts_with(':')) {
    take(1);
    return multi_line(std::move(token));
  }
  return token;
}

Token Lexer::number(Token token) {
  token.kind = TokenKind::kNumber;
  auto size = static_cast<std::size_t>(std::ranges::find_if_not(rest_, is_digit) - rest_.begin());
  auto value = parse_number(take(size));
  unsigned shift = rest_.empty() ? 0 : quantifier(rest_.front());
  if (shift != 0) take(1);
  if (!rest_.empty() && in_identifier(rest_.front())) {
    take(static_cast<std::size_t>(std::ranges::find_if_not(rest_, in_identifier) - rest_.begin()));
    return bad(std::move(token), "a number is followed by letters other than K, M or G");
  }
  if (!value || *value > std::numeric_limits<std::uint64_t>::max() >> shift) {
    return bad(std::move(token), "a number is too large");
  }
  token.number = *value << shift;
  return token;
}

Token Lexer::quoted(Token token) {
  token.kind = TokenKind::kString;
  std::size_t at = 1;
  for (; at < rest_.size() && rest_[at] != '"'; ++at) {
    if (rest_[at] == '\\' && at + 1 < rest_.size()) ++at;  // RFC 5228 2.4.2: \a is a
    append(token.text, rest_[at]);
  }
  if (at >= rest_.size()) {
    take(rest_.size());
    return bad(std::move(token), "a string that begins here does not end");
  }
  take(at + 1);
  if (token.text.find('\0') != std::string::npos)
    return bad(std::move(token), "a string contains NUL");
  return token;
}

// RFC 5228 2.4.2: "text:" and, after blanks or a comment, the end of the line.
Token Lexer::multi_line(Token token) {
  token.kind = TokenKind::kString;
  token.text.clear();
  auto head = take(std::min(rest_.find('\n') + 1, rest_.size()));
  auto comment = trim(head.substr(0, head.find_last_not_of("\r\n") + 1));
  if (!head.ends_with('\n') || (!comment.empty() && comment.front() != '#')) {
    return bad(std::move(token), "'text:' is followed by something on the same line");
  }
  while (!rest_.empty()) {
    auto line = take(std::min(rest_.find('\n'), rest_.size() - 1) + 1);
    if (line == ".\n" || line == ".\r\n" || (line == "." && rest_.empty())) {
      if (token.text.find('\0') != std::string::npos) {
        return bad(std::move(token), "a string contains NUL");
      }
      return token;
    }
    if (line.starts_with('.')) line.remove_prefix(line.starts_with("..") ? 1 : 0);
    for (char c : line) append(token.text, c);
  }
  return bad(std::move(token), "a string that begins with 'text:' does not end with '.'");
}

}  // namespace handoff::sieve
