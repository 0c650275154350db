// Parses values of settings: sizes, durations, permission bits, names. The functions return nothing
// if the text is invalid or the number too large.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/share.hh"

namespace handoff {

// Octets: "1000", or with K, M or G for 1024, 1024^2, 1024^3.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "5%" up to "99%", or whatever `parse` accepts.
std::optional<Share> parse_share(std::string_view text,
                                 std::optional<std::uint64_t> (*parse)(std::string_view));
// "90", "90s", "5m", "1h", "2d".
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// Permission bits in octal, at most 0777: "660", "0660".
std::optional<std::uint32_t> parse_mode(std::string_view text);

// A host or domain name of letters, digits, "-", "_" and "." (RFC 5321 2.3.5 does not allow the
// underscore, but hosts have it). Other scripts must be in their xn-- form.
bool is_domain(std::string_view text);
// Returns whether it can be the name of a user or group, or a number: no space, ":", "/" or control
// character.
bool is_account(std::string_view text);

}  // namespace handoff
