#include "base/date_time.hh"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/text.hh"

namespace handoff {
namespace {

using namespace std::chrono;

// Consumes a number of exactly `digits` digits and the character `mark` after it (0: none).
std::optional<int> take(std::string_view& text, std::size_t digits, char mark) {
  auto number = text.size() >= digits ? parse_number(text.substr(0, digits)) : std::nullopt;
  if (!number) return std::nullopt;
  text.remove_prefix(digits);
  if (mark != 0) {
    if (text.empty() || upper(text.front()) != mark) return std::nullopt;
    text.remove_prefix(1);
  }
  return static_cast<int>(*number);
}

// "Z" or "+02:00".
std::optional<minutes> take_zone(std::string_view text) {
  if (iequals(text, "Z")) return minutes(0);
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  auto h = take(text, 2, ':');
  auto m = h ? take(text, 2, 0) : std::nullopt;
  if (!m || !text.empty() || *h > 23 || *m > 59) return std::nullopt;
  return minutes(sign * (*h * 60 + *m));
}

}  // namespace

std::optional<sys_seconds> parse_date_time(std::string_view text) {
  auto y = take(text, 4, '-');
  auto mo = y ? take(text, 2, '-') : std::nullopt;
  auto d = mo ? take(text, 2, 'T') : std::nullopt;
  auto h = d ? take(text, 2, ':') : std::nullopt;
  auto mi = h ? take(text, 2, ':') : std::nullopt;
  auto s = mi ? take(text, 2, 0) : std::nullopt;
  if (!s) return std::nullopt;
  if (text.starts_with('.')) {
    auto end = text.find_first_not_of("0123456789", 1);
    if (end == 1 || end == text.npos) return std::nullopt;
    text.remove_prefix(end);
  }
  auto zone = take_zone(text);
  year_month_day date{year(*y), month(static_cast<unsigned>(*mo)), day(static_cast<unsigned>(*d))};
  // 60: a leap second (RFC 3339 5.6).
  if (!zone || !date.ok() || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  return sys_days(date) + hours(*h) + minutes(*mi) + seconds(*s) - *zone;
}

std::optional<sys_seconds> parse_moment(std::string_view text) {
  constexpr std::uint64_t kMost = 253'402'300'799;  // the end of the year 9999
  if (auto number = parse_number(text)) {
    if (*number > kMost) return std::nullopt;
    return sys_seconds(seconds(*number));
  }
  auto digits = text.substr(0, 14);
  if (digits.size() == 14 && text.substr(14) == "Z" && std::ranges::all_of(digits, is_digit)) {
    auto part = [&](std::size_t at, std::size_t size) {
      return std::string(digits.substr(at, size));
    };
    return parse_date_time(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) +
                           ":" + part(10, 2) + ":" + part(12, 2) + "Z");
  }
  return parse_date_time(text);
}

}  // namespace handoff
