#include "sieve/string_text.hh"

#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff::sieve {
namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Parses hexadecimal numbers of at most `digits` digits, separated by blanks. Returns nothing for
// any other text.
std::optional<std::vector<std::uint32_t>> hex_numbers(std::string_view text, std::size_t digits) {
  std::vector<std::uint32_t> out;
  while (!text.empty()) {
    if (is_blank(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    std::uint32_t value = 0;
    std::size_t size = 0;
    std::size_t significant = 0;  // leading zeros do not count
    for (; size < text.size() && hex_value(text[size]) >= 0; ++size) {
      if (value != 0 || text[size] != '0') ++significant;
      if (significant > digits) return std::nullopt;
      value = value * 16 + static_cast<std::uint32_t>(hex_value(text[size]));
    }
    if (size == 0) return std::nullopt;
    text.remove_prefix(size);
    out.push_back(value);
  }
  if (out.empty()) return std::nullopt;
  return out;
}

bool is_identifier(std::string_view name) {
  return !name.empty() && !is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

// Returns the content of "${...}" at the start of `text`; nothing if it is not closed.
std::optional<std::string_view> braced(std::string_view text) {
  auto end = text.find('}');
  if (!text.starts_with("${") || end == std::string_view::npos) return std::nullopt;
  return text.substr(2, end - 2);
}

}  // namespace

std::optional<std::string> decode_characters(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto at = std::min(text.find("${"), text.size());
    out += text.substr(0, at);
    text.remove_prefix(at);
    if (text.empty()) break;
    auto content = braced(text);
    bool hex = content && istarts_with(*content, "hex:");
    bool unicode = content && istarts_with(*content, "unicode:");
    std::optional<std::vector<std::uint32_t>> numbers;
    if (hex) numbers = hex_numbers(content->substr(4), 2);
    if (unicode) numbers = hex_numbers(content->substr(8), 8);
    if (!numbers) {
      out += text.substr(0, 2);
      text.remove_prefix(2);
      continue;
    }
    for (auto number : *numbers) {
      if (hex) {
        out += static_cast<char>(number);
      } else if (number > 0x10ffff || (number >= 0xd800 && number < 0xe000)) {
        return std::nullopt;
      } else {
        append_utf8(out, number);
      }
    }
    text.remove_prefix(content->size() + 3);
  }
  return out;
}

std::optional<Piece> parse_variable(std::string_view name) {
  Piece piece;
  piece.variable = true;
  if (auto number = parse_number(name)) {
    if (name.size() > 9) return std::nullopt;
    piece.match = static_cast<std::size_t>(*number);
    return piece;
  }
  auto dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    auto space = name.substr(0, dot);
    if (!all_parts(space, '.', is_identifier)) return std::nullopt;
    piece.space = lower(space);
    name.remove_prefix(dot + 1);
  }
  // Items of the environment may contain dots and hyphens: in ${env.vnd.dovecot.username} the
  // namespace is "env.vnd.dovecot". RFC 6609 3.4.2: ${global.1} is not a variable.
  bool numbered = !piece.space.empty() && piece.space != "global" && parse_number(name);
  if (!is_identifier(name) && !numbered) return std::nullopt;
  piece.text = lower(name);
  return piece;
}

std::vector<Piece> find_variables(std::string_view text) {
  std::vector<Piece> out;
  std::string literal;
  auto end_literal = [&] {
    if (literal.empty()) return;
    Piece piece;
    piece.text = std::move(literal);
    literal.clear();
    out.push_back(std::move(piece));
  };
  bool any = false;
  while (!text.empty()) {
    auto at = std::min(text.find("${"), text.size());
    literal += text.substr(0, at);
    text.remove_prefix(at);
    if (text.empty()) break;
    auto content = braced(text);
    auto piece = content ? parse_variable(*content) : std::nullopt;
    if (!piece) {
      literal += text.substr(0, 2);
      text.remove_prefix(2);
      continue;
    }
    any = true;
    end_literal();
    out.push_back(std::move(*piece));
    text.remove_prefix(content->size() + 3);
  }
  if (!any) return {};
  end_literal();
  return out;
}

bool is_script_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || name.find('/') != std::string_view::npos) return false;
  if (!is_printable_utf8(name)) return false;  // neither C0 nor C1
  return name.find("\xe2\x80\xa8") == std::string_view::npos &&
         name.find("\xe2\x80\xa9") == std::string_view::npos;
}

}  // namespace handoff::sieve
