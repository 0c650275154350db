// The settings sieve.spamtest and sieve.virustest: the header field in which a scanner reports its
// result, and what the result means (RFC 5235).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::conf {

// "X-Spam-Score 10"
struct SpamScanner {
  std::string field;
  std::uint64_t most = 0;  // the score that counts as certain
};
std::optional<SpamScanner> parse_spam_scanner(std::string_view text);

// "X-Virus-Status Clean=1 Infected=5"
struct VirusScanner {
  std::string field;
  std::array<std::string, 6> words;  // those for the results 0 to 5; empty: there is none
};
std::optional<VirusScanner> parse_virus_scanner(std::string_view text);

}  // namespace handoff::conf
