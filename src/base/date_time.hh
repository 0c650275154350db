// Parses points in time: RFC 3339 date-time for RRVS (RFC 7293), and the formats of lookups.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace handoff {

// "2014-04-03T23:01:00Z", "2014-04-03T23:01:00.5+02:00". Fractions of a second are dropped.
std::optional<std::chrono::sys_seconds> parse_date_time(std::string_view text);

// Also accepts seconds since 1970 ("1396566060") and LDAP's GeneralizedTime in UTC with seconds
// (RFC 4517 3.3.13: "20140403230100Z").
std::optional<std::chrono::sys_seconds> parse_moment(std::string_view text);

}  // namespace handoff
