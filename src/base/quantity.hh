// Formats quantities for people.
#pragma once

#include <cstdint>
#include <string>

namespace handoff {

std::string octets_text(double octets);             // "512 B", "1.5 MiB"
std::string duration_text(double seconds);          // "42 s", "3 min", "2 h 5 min", "9 d 3 h"
std::string latency_text(double microseconds);      // "850 us", "3.2 ms", "1.2 s"
std::string rate_text(double per_second);           // "0", "0.25", "12.3", "1234"
std::string number_text(double value, int digits);  // with a decimal point in any locale
std::string time_text(std::int64_t when);           // "2026-11-24 07:31:37Z"

}  // namespace handoff
