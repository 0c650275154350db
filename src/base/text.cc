#include "base/text.hh"

#include <algorithm>
#include <charconv>

namespace handoff {
namespace {

constexpr char kLowerHex[] = "0123456789abcdef";

// The C1 control characters, U+0080 to U+009F.
bool starts_with_c1(std::string_view text) {
  return text.size() > 1 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) >= 0x80 &&
         static_cast<unsigned char>(text[1]) < 0xa0;
}

// Returns the number of octets of the first character of `text` (RFC 3629 4), or 0 if `text` starts
// with an invalid sequence or a control character beyond ASCII.
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
  bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  bool surrogate = first == 0xed && second > 0x9f;
  bool beyond = first == 0xf4 && second > 0x8f;
  return starts_with_c1(text) || overlong || surrogate || beyond ? 0 : size;
}

// Keeps printable octets, and writes others as `prefix` and two hexadecimal digits.
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
      out += kLowerHex[octet >> 4];
      out += kLowerHex[octet & 15];
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

std::string hide_passwords(std::string_view text) {
  constexpr std::string_view kWord = "password", kHidden = "***";
  std::string out;
  auto copy = [&](std::size_t size) {
    out += text.substr(0, size);
    text.remove_prefix(size);
  };
  auto hide = [&](std::size_t size) {
    if (size > 0) out += kHidden;
    text.remove_prefix(size);
  };
  while (!text.empty()) {
    auto word = std::min(text.find(kWord), text.size());
    auto uri = std::min(text.find("://"), text.size());
    if (uri < word) {
      copy(uri + 3);
      auto host = text.substr(0, text.find_first_of("/? "));
      auto at = host.rfind('@');
      auto colon = host.find(':');
      if (at == host.npos || colon > at) continue;
      copy(colon + 1);
      hide(at - colon - 1);
      continue;
    }
    copy(std::min(word + kWord.size(), text.size()));
    auto equals = text.find_first_not_of(" \t");
    if (equals == text.npos || text[equals] != '=') continue;
    copy(std::min(text.find_first_not_of(" \t", equals + 1), text.size()));
    // libpq: a quoted value may contain spaces, and \' for a quote.
    bool quoted = text.starts_with('\'');
    std::size_t end = quoted ? 1 : 0;
    while (end < text.size() && text[end] != (quoted ? '\'' : ' ') &&
           (quoted || text[end] != '?')) {
      end += text[end] == '\\' ? 2u : 1u;
    }
    hide(std::min(end + (quoted ? 1 : 0), text.size()));
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  auto [stop, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || stop != end || text.empty()) return std::nullopt;
  return value;
}

bool is_printable_utf8(std::string_view text) {
  while (!text.empty()) {
    auto size = utf8_size(text);
    if (size == 0 || is_control(text.front())) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string escape(std::string_view bytes) { return escape(bytes, "\\x"); }

std::string printable(std::string_view text, bool lines) {
  std::string out;
  while (!text.empty()) {
    auto size = utf8_size(text);
    char c = text.front();
    bool keep = size > 0 && (!is_control(c) || (lines && c == '\n'));
    size = std::max<std::size_t>(size, 1);
    auto one = text.substr(0, size);
    out += keep ? std::string(one) : escape(one);
    text.remove_prefix(size);
  }
  return out;
}

std::string escape_json(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    if (starts_with_c1(bytes))
      bytes.remove_prefix(1);  // drop the first octet: the second equals the code point
    auto size = utf8_size(bytes);
    out += size > 1 ? std::string(bytes.substr(0, size)) : escape(bytes.substr(0, 1), "\\u00");
    bytes.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace handoff
