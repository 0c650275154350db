// How values are written: sizes, durations, permission bits, names. Text in, number out; nothing
// where the text is none or does not fit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/share.hh"

namespace handoff {

// Octets: "1000", or with K, M or G for 1024, 1024^2, 1024^3.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "5%" of something, up to 99; else what `parse` makes of it.
std::optional<Share> parse_share(std::string_view text,
                                 std::optional<std::uint64_t> (*parse)(std::string_view));
// "90" and "90s", "5m", "1h", "2d".
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// Permission bits in octal, at most 0777: "660", "0660".
std::optional<std::uint32_t> parse_mode(std::string_view text);

// A host or domain name of letters, digits, "-", "_" and "." (RFC 5321 2.3.5, and the underscore
// that machines bear all the same); other scripts in their xn-- form.
bool is_domain(std::string_view text);
// Fit for a user's or group's name, or a number: no blank, ":", "/" or control character.
bool is_account(std::string_view text);

}  // namespace handoff
