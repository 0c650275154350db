// Patterns of :matches (RFC 5228 2.7.1): '*' matches any text, '?' one character, and '\' quotes
// the next character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace handoff::sieve {

class Comparator;

// Returns whether `pattern` matches all of `text`. If it does and `values` is not null, it is
// filled with the whole text and the text that each wildcard matches; each '*' matches as little as
// possible, from the left (RFC 5229 3.2). Each comparison of characters decrements `work`; at 0 the
// function gives up and returns false.
bool match_wildcards(std::string_view pattern, std::string_view text, const Comparator& comparator,
                     std::vector<std::string>* values, std::uint64_t& work);

}  // namespace handoff::sieve
