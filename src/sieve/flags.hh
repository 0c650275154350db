// IMAP flags (RFC 5232): "\Seen", "$label1".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handoff::sieve {

class Run;
struct Call;

// Returns the flags in a list of strings, each of which may contain several flags separated by
// blanks. Omits duplicates, and flags that IMAP does not allow.
std::vector<std::string> parse_flags(const std::vector<std::string>& texts);

// Returns the flags of a copy: those of :flags if it is given, otherwise those in the internal
// variable.
std::vector<std::string> flags_of(Run& run, const Call& call);

}  // namespace handoff::sieve
