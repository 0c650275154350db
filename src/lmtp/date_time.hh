// RFC 3339 date-time, for RRVS (RFC 7293).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace handoff::lmtp {

// "2014-04-03T23:01:00Z", "2014-04-03T23:01:00.5+02:00"; fractions of a second are dropped.
std::optional<std::chrono::sys_seconds> parse_date_time(std::string_view text);

}  // namespace handoff::lmtp
