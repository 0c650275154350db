// Modified UTF-7, the encoding of folder names in IMAP and Maildir++ (RFC 3501 5.1.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// "Gr\u00fc\u00dfe & more" -> "Gr&APwA3w-e &- more". Requires is_utf8(text).
std::string to_imap_utf7(std::string_view text);
// The reverse. Returns nothing if to_imap_utf7() cannot return `name`.
std::optional<std::string> from_imap_utf7(std::string_view name);

}  // namespace handoff
