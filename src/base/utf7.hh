// Modified UTF-7: how IMAP, and Maildir++ by it, writes the names of folders (RFC 3501 5.1.3).
#pragma once

#include <string>
#include <string_view>

namespace handoff {

// "Gr\u00fc\u00dfe & more" -> "Gr&APwA3w-e &- more". Requires is_utf8(text).
std::string to_imap_utf7(std::string_view text);

}  // namespace handoff
