// The text of HTML, for tests that look for words in it.
#pragma once

#include <string>
#include <string_view>

namespace handoff::sieve {

// Returns `html` (UTF-8) without its tags, comments, scripts and styles, and with the common
// character references decoded.
std::string text_of_html(std::string_view html);

}  // namespace handoff::sieve
