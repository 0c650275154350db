// Internationalised addresses: UTF-8, normalisation form C, and domain names (libidn2,
// libunistring). A build without these libraries treats all non-ASCII text as invalid and does not
// announce SMTPUTF8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// Returns whether this build has these libraries.
bool knows_unicode();
// Returns whether `text` is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);
// Appends the character `point` to `out` in UTF-8.
void append_utf8(std::string& out, std::uint32_t point);
// Normalisation form C, which RFC 6532 3.1 recommends for addresses. Requires is_utf8(text).
std::string to_nfc(std::string_view text);
// Case-folded, in normalisation form C: equal for local parts that differ only in case. Requires
// is_utf8(text).
std::string fold_case(std::string_view text);
// Returns the domain in A-labels and lower case (RFC 5891), or nothing if it is not a valid name.
// Folds ASCII domains and address literals without further checks.
std::optional<std::string> to_ascii_domain(std::string_view domain);

}  // namespace handoff
