#include "base/xtext.hh"

#include <cstdint>

#include "base/text.hh"
#include "base/unicode.hh"

namespace handoff {
namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";

// RFC 3461 4: a hexchar is "+" and two upper-case hexadecimal digits.
std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

bool is_xchar(char c) { return c > ' ' && c < 0x7f && c != '+' && c != '='; }

// Parses the HEXPOINT of "\x{…}": upper-case hexadecimal digits without superfluous zeros. Of ASCII
// it may denote only characters that cannot stand for themselves.
std::optional<std::uint32_t> code_point(std::string_view digits) {
  if (digits.size() < 2 || digits.size() > 6) return std::nullopt;
  std::uint32_t value = 0;
  for (char c : digits) {
    auto digit = hex_digit(c);
    if (!digit) return std::nullopt;
    value = value * 16 + *digit;
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return std::nullopt;
  if (value >= 0x80) return digits.front() == '0' ? std::nullopt : std::optional(value);
  char c = static_cast<char>(value);
  bool special = c != '\0' && (c == '\\' || !is_xchar(c));
  return special && digits.size() == 2 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      if (i + 2 >= text.size()) return std::nullopt;
      auto high = hex_digit(text[i + 1]);
      auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      out += static_cast<char>(*high * 16 + *low);
      i += 2;
    } else if (is_xchar(text[i])) {
      out += text[i];
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string encode_xtext(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (is_xchar(c)) {
      out += c;
    } else {
      auto octet = static_cast<unsigned char>(c);
      out += '+';
      out += kUpperHex[octet >> 4];
      out += kUpperHex[octet & 15];
    }
  }
  return out;
}

std::optional<std::string> decode_utf8_xtext(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("\\x{")) {
      auto close = text.find('}');
      if (close == text.npos) return std::nullopt;
      auto point = code_point(text.substr(3, close - 3));
      if (!point) return std::nullopt;
      append_utf8(out, *point);
      text.remove_prefix(close + 1);
    } else if (char c = text.front(); c != '\\' && (is_xchar(c) || !is_ascii(c))) {
      out += c;
      text.remove_prefix(1);
    } else {
      return std::nullopt;
    }
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace handoff
