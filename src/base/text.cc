#include "base/text.hh"

#include <algorithm>
#include <charconv>

namespace handoff {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// What is printable as it is, the rest as `prefix` and two hexadecimal digits.
std::string escape(std::string_view bytes, std::string_view prefix) {
  std::string out;
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

std::string escape_json(std::string_view bytes) { return escape(bytes, "\\u00"); }

}  // namespace handoff
