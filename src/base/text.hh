// ASCII text of the protocol and the configuration. No function depends on the locale: a server in
// a Turkish locale must also treat "mail" as "MAIL".
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
// Folds ASCII letters and keeps all other octets.
std::string lower(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
// Removes spaces and tabs at both ends.
std::string_view trim(std::string_view text);
// "a,,b" has three parts, the second empty; "" has one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
// Returns whether `is` is true for each part. Does not allocate.
template <class Is>
bool all_parts(std::string_view text, char separator, Is is) {
  for (;;) {
    auto end = text.find(separator);
    if (!is(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

// Replaces each password in `text` by ***: in "password=VALUE", with or without quotes and spaces,
// and in "scheme://user:VALUE@host".
std::string hide_passwords(std::string_view text);

// Levenshtein distance: the number of characters to insert, remove or replace.
std::size_t edit_distance(std::string_view a, std::string_view b);

// Accepts decimal digits only, without sign or spaces. Returns nothing if the number is too large.
std::optional<std::uint64_t> parse_number(std::string_view text);

// Returns whether `text` is UTF-8 (RFC 3629) without control characters.
bool is_printable_utf8(std::string_view text);

// Makes octets from a peer safe for a log line: keeps printable ASCII, writes a backslash before
// `\` and `"`, and writes all other octets as \xHH.
std::string escape(std::string_view bytes);
// Makes text safe for a terminal: writes control characters and invalid UTF-8 as \xHH.
// `lines`: keeps the ends of lines.
std::string printable(std::string_view text, bool lines = false);
// As escape(), for a JSON string: keeps UTF-8, and writes C1 control characters and invalid octets
// as \u00HH.
std::string escape_json(std::string_view bytes);

}  // namespace handoff
