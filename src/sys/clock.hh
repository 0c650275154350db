// Time: deadlines use the steady clock, dates the wall clock.
#pragma once

#include <chrono>
#include <string>

namespace handoff::sys {

using Steady = std::chrono::steady_clock;
using Wall = std::chrono::system_clock;

// RFC 5322 3.3 date-time in local time: "Tue, 24 Nov 2026 07:31:37 +0000".
std::string rfc5322_date(Wall::time_point when);
// Local time minus UTC at that time.
std::chrono::minutes utc_offset(Wall::time_point when);
// RFC 3339 in UTC with milliseconds, for the log: "2026-11-24T07:31:37.123Z".
std::string rfc3339_date(Wall::time_point when);

}  // namespace handoff::sys
