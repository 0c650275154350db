#include "base/text.hh"

#include <algorithm>
#include <charconv>

namespace handoff {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// How many octets the character has that `text` begins with (RFC 3629 4); 0 where that is none, or
// a control character beyond ASCII.
std::size_t utf8_size(std::string_view text) {
  auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = octet(0);
  if (first < 0x80) return 1;
  std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (octet(i) < 0x80 || octet(i) > 0xbf) return 0;
  }
  auto second = octet(1);
  bool control = first == 0xc2 && second < 0xa0;
  bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  bool surrogate = first == 0xed && second > 0x9f;
  bool beyond = first == 0xf4 && second > 0x8f;
  return control || overlong || surrogate || beyond ? 0 : size;
}

// What is printable as it is, the rest as `prefix` and two hexadecimal digits.
std::string escape(std::string_view bytes, std::string_view prefix) {
  std::string out;
  out.reserve(bytes.size());
  for (char c : bytes) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (is_control(c) || !is_ascii(c)) {
      auto octet = static_cast<unsigned char>(c);
      out += prefix;
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool all_ascii(std::string_view text) { return std::ranges::all_of(text, is_ascii); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

std::string escape(std::string_view bytes) { return escape(bytes, "\\x"); }

std::string escape_json(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    auto size = utf8_size(bytes);
    out += size > 1 ? std::string(bytes.substr(0, size)) : escape(bytes.substr(0, 1), "\\u00");
    bytes.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace handoff
