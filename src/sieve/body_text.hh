// The readable text of a part, for body :text and extracttext.
#pragma once

#include <optional>
#include <string>

#include "sieve/part.hh"
#include "sieve/plain_text.hh"

namespace handoff::sieve {

// Returns the text of a text part, without tags if it is HTML; nothing for other parts.
std::optional<std::string> readable_text(const Part& part);

}  // namespace handoff::sieve
