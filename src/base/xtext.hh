// Encodings of ESMTP parameter values: xtext (RFC 3461 4) and utf-8-addr-xtext (RFC 6533 3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// "+2B" is '+', everything else itself; nothing where `text` is no xtext: a '+' without two
// capital hexadecimal digits, an '=', a blank, a control or anything beyond ASCII.
std::optional<std::string> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view text);
// utf-8-addr-xtext and utf-8-addr-unitext: "\x{E9}" is that code point, in UTF-8; octets beyond
// ASCII stand for themselves.
std::optional<std::string> decode_utf8_xtext(std::string_view text);

}  // namespace handoff
