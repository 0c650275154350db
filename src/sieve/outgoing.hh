// Messages that a script creates: their common header, and their text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sieve/facts.hh"

namespace handoff::sieve {

// Returns Date, Message-ID (without < >) and the given fields in their order, each folded, in ASCII
// and ended by CRLF; the empty line is not included. A field with an empty value is omitted.
std::string outgoing_header(const Facts& facts, const std::string& message_id,
                            const std::vector<std::pair<std::string_view, std::string>>& fields);

// Converts all line ends to CRLF.
std::string with_crlf(std::string_view text);

// Returns "Content-Type" and related fields, the empty line, and the text, as 7bit if it is ASCII,
// otherwise as 8bit UTF-8.
std::string text_entity(std::string_view text);

// Returns the first `count` characters of UTF-8, followed by "…" if there are more.
std::string shortened(std::string_view text, std::size_t count);

}  // namespace handoff::sieve
