// A point in time and its zone: parses dates of header fields (RFC 5322 3.3) and returns their
// parts (RFC 5260 4.2).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::sieve {

struct Moment {
  std::chrono::sys_seconds time{};
  std::chrono::minutes zone{0};

  // "year", "date", "time", "iso8601", "std11", "zone" ...; nothing if there is no such part.
  std::optional<std::string> part(std::string_view name) const;
  // In the format of a Date field.
  std::string std11() const;
};

// "Mon, 20 Jul 2009 21:44:43 +0300", with its zone; nothing if `text` is not a date.
std::optional<Moment> parse_date(std::string_view text);

// "+0300", "-0730"; nothing if `text` is not an offset.
std::optional<std::chrono::minutes> parse_zone(std::string_view text);

}  // namespace handoff::sieve
