// Plain ASCII text, for protocol and configuration words. None of these knows a locale:
// a server in a Turkish locale must still take "mail" for "MAIL".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace handoff {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool all_ascii(std::string_view text);
// ASCII letters folded, every other octet kept.
std::string lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
// Without blanks and tabs at either end.
std::string_view trim(std::string_view text);
// Parts between separators; "a,,b" has an empty one, "" has one.
std::vector<std::string_view> split(std::string_view text, char separator);
// Whether `is` holds of each of them. Costs no memory.
template <class Is>
bool all_parts(std::string_view text, char separator, Is is) {
  for (;;) {
    auto end = text.find(separator);
    if (!is(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

// A decimal number of digits alone: no sign, no blank; nothing where it does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

// Bytes from a peer made fit for a log line: printable ASCII stays, `\` and `"` get a
// backslash, everything else becomes \xHH.
std::string escape(std::string_view bytes);
// The same for the inside of a JSON string: UTF-8 stays, other octets >= 0x80 become \u00HH.
std::string escape_json(std::string_view bytes);

}  // namespace handoff
