// Encodings of ESMTP parameter values: xtext (RFC 3461 4) and utf-8-addr-xtext (RFC 6533 3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// "+2B" becomes '+', and other characters stay. Returns nothing if `text` is not xtext: if it
// contains '+' without two upper-case hexadecimal digits, '=', a space, a control character or an
// octet beyond ASCII.
std::optional<std::string> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view text);
// utf-8-addr-xtext and utf-8-addr-unitext: "\x{E9}" becomes that character in UTF-8, and octets
// beyond ASCII stay.
std::optional<std::string> decode_utf8_xtext(std::string_view text);

}  // namespace handoff
