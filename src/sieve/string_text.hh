// What a string of a script may contain: encoded characters (RFC 5228 2.4.2.4) and variables
// (RFC 5229 3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/tree.hh"

namespace handoff::sieve {

// `text` with "${hex:...}" and "${unicode:...}" replaced; nothing if one is not a Unicode
// character. Text that does not match their grammar is kept.
std::optional<std::string> decode_characters(std::string_view text);

// Splits a text with variables into pieces; returns none if it has no variable.
std::vector<Piece> find_variables(std::string_view text);

// "name", "global.name", "3"; nothing if `name` is not a variable-name. `name` is without braces.
std::optional<Piece> parse_variable(std::string_view name);

// RFC 6609 3.2: no control characters, line separators or slashes; 1 to 255 octets of UTF-8.
bool is_script_name(std::string_view name);

}  // namespace handoff::sieve
