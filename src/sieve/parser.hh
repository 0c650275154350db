// Turns tokens into a tree (RFC 5228 8.2). It uses only the grammar and has no list of commands.
#pragma once

#include <string_view>

#include "sieve/fault.hh"
#include "sieve/limits.hh"
#include "sieve/tree.hh"

namespace handoff::sieve {

// Returns the commands of `script`. Adds each fault to `faults` and continues after the next
// semicolon or block, so that one run finds several. A tree with faults is incomplete.
std::vector<Call> parse(std::string_view script, const Limits& limits, Faults& faults);

}  // namespace handoff::sieve
