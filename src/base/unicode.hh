// Internationalised addresses: UTF-8, normal form C, and domain names (libidn2, libunistring).
// A build without these libraries answers as if no text beyond ASCII were valid, and does not
// announce SMTPUTF8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// Whether this build knows of more than ASCII.
bool knows_unicode();
// Well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);
// Normal form C, as RFC 6532 3.1 asks of addresses. Requires is_utf8(text).
std::string to_nfc(std::string_view text);
// Case folded and in normal form C: the same for all ways to write a local part in large and small
// letters. Requires is_utf8(text).
std::string fold_case(std::string_view text);
// The domain in A-labels and small letters (RFC 5891); nothing where it is no valid name. ASCII
// domains pass with their letters folded, address literals too.
std::optional<std::string> to_ascii_domain(std::string_view domain);

}  // namespace handoff
