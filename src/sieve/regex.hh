// Regular expressions: POSIX extended ones (draft-murchison-sieve-regex), matched by RE2, which
// takes time linear in the text for every expression.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace re2 {
class RE2;
}

namespace handoff::sieve {

using Regex = std::shared_ptr<const re2::RE2>;

// Fails with RE2's message if `pattern` is invalid or too large.
Result<Regex> compile_regex(std::string_view pattern, bool ignore_case);

// Returns the number of steps, of about a microsecond each, that a search in `text` takes; more
// with `values`.
std::uint64_t regex_cost(const re2::RE2& regex, std::string_view text, bool values);

// Returns whether `regex` matches anywhere in `text`. Fills `values` with the whole match and
// the first `most` groups.
bool find_regex(const re2::RE2& regex, std::string_view text, std::vector<std::string>* values,
                std::size_t most = 32);

}  // namespace handoff::sieve
