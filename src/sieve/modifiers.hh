// Modifiers of set and extracttext (RFC 5229 4.1), and how both store a variable.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "sieve/kind.hh"

namespace handoff::sieve {

class Checker;
class Run;
struct Call;
struct Limits;

inline constexpr std::array kModifierTags{
    TagUse{Tag::kLower},         TagUse{Tag::kUpper},
    TagUse{Tag::kLowerfirst},    TagUse{Tag::kUpperfirst},
    TagUse{Tag::kQuotewildcard}, TagUse{Tag::kQuoteregex, "regex"},
    TagUse{Tag::kLength},        TagUse{Tag::kEncodeurl, "enotify"},
};

// Checks that no two modifiers have the same precedence.
void check_modifiers(Checker& checker, Call& call);
std::string modify(const Call& call, std::string value, const Limits& limits);
// Requires a name that Checker::check_variable() accepted.
void set_variable(Run& run, std::string_view name, std::string value);

}  // namespace handoff::sieve
