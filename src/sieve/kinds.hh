// The tables of commands and tests, and groups of tags that several of them take.
#pragma once

#include <array>
#include <span>

#include "sieve/kind.hh"

namespace handoff::sieve {

std::span<const Kind> control_kinds();      // RFC 5228 3, include (RFC 6609), ihave (RFC 5463)
std::span<const Kind> action_kinds();       // RFC 5228 4, reject and ereject (RFC 5429)
std::span<const Kind> test_kinds();         // RFC 5228 5 and string (RFC 5229)
std::span<const Kind> body_kinds();         // RFC 5173
std::span<const Kind> date_kinds();         // RFC 5260
std::span<const Kind> duplicate_kinds();    // RFC 7352
std::span<const Kind> editheader_kinds();   // RFC 5293
std::span<const Kind> environment_kinds();  // RFC 5183
std::span<const Kind> flag_kinds();         // RFC 5232
std::span<const Kind> mailbox_kinds();      // RFC 5490, RFC 8579
std::span<const Kind> mime_kinds();         // RFC 5703
std::span<const Kind> notify_kinds();       // RFC 5435
std::span<const Kind> spam_kinds();         // RFC 5235
std::span<const Kind> vacation_kinds();     // RFC 5230
std::span<const Kind> variable_kinds();     // RFC 5229

// Groups of tags; a command or test combines several of them.
inline constexpr std::array kMatchTags{
    TagUse{Tag::kIs},
    TagUse{Tag::kContains},
    TagUse{Tag::kMatches},
    TagUse{Tag::kRegex, "regex"},
    TagUse{Tag::kCount, "relational"},
    TagUse{Tag::kValue, "relational"},
    TagUse{Tag::kComparator},
};
inline constexpr std::array kAddressPartTags{
    TagUse{Tag::kAll},
    TagUse{Tag::kLocalpart},
    TagUse{Tag::kDomain},
    TagUse{Tag::kUser, "subaddress"},
    TagUse{Tag::kDetail, "subaddress"},
};
inline constexpr std::array kIndexTags{TagUse{Tag::kIndex, "index"}, TagUse{Tag::kLast, "index"}};
inline constexpr std::array kMimeTags{TagUse{Tag::kMime, "mime"}, TagUse{Tag::kAnychild, "mime"}};

template <std::size_t... N>
constexpr auto join(const std::array<TagUse, N>&... parts) {
  std::array<TagUse, (N + ...)> out{};
  std::size_t at = 0;
  auto copy = [&](const auto& part) {
    for (const auto& use : part) out[at++] = use;
  };
  (copy(parts), ...);
  return out;
}

}  // namespace handoff::sieve
