#include "sieve/moment.hh"

#include <array>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/text.hh"

namespace handoff::sieve {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
// RFC 5322 4.3: the one-letter zones of old dates count as +0000.
constexpr std::array<std::pair<std::string_view, int>, 11> kZones{{{"UT", 0},
                                                                   {"GMT", 0},
                                                                   {"UTC", 0},
                                                                   {"EST", -5},
                                                                   {"EDT", -4},
                                                                   {"CST", -6},
                                                                   {"CDT", -5},
                                                                   {"MST", -7},
                                                                   {"MDT", -6},
                                                                   {"PST", -8},
                                                                   {"PDT", -7}}};

std::string padded(long value, int width) {
  std::array<char, 24> out;
  std::snprintf(out.data(), out.size(), "%0*ld", width, value);
  return out.data();
}

// Splits a date into words: omits comments, and treats commas as separators.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t depth = 0;
  std::size_t start = std::string_view::npos;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    bool separates = c == ' ' || c == '\t' || c == ',' || c == '(' || c == ')' || c == '\r' ||
                     c == '\n' || depth > 0;
    if (!separates && start == std::string_view::npos) start = i;
    if (separates && start != std::string_view::npos) {
      out.push_back(text.substr(start, i - start));
      start = std::string_view::npos;
    }
    if (c == '(') ++depth;
    if (c == ')' && depth > 0) --depth;
  }
  return out;
}

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names,
                                 std::string_view word) {
  for (unsigned i = 0; i < N; ++i) {
    if (iequals(names[i], word)) return i;
  }
  return std::nullopt;
}

// Parses "21:44:43" or "21:44"; returns the seconds since midnight.
std::optional<std::chrono::seconds> parse_time(std::string_view text) {
  auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  std::array<long, 3> value{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto number = parse_number(parts[i]);
    if (!number || parts[i].size() > 2) return std::nullopt;
    value[i] = static_cast<long>(*number);
  }
  if (value[0] > 23 || value[1] > 59 || value[2] > 60) return std::nullopt;
  return std::chrono::seconds(value[0] * 3600 + value[1] * 60 + value[2]);
}

std::optional<std::chrono::minutes> zone_of(std::string_view word) {
  if (auto offset = parse_zone(word)) return offset;
  for (const auto& [name, hours] : kZones) {
    if (iequals(name, word)) return std::chrono::hours(hours);
  }
  if (word.size() == 1 && is_alpha(word.front())) return std::chrono::minutes(0);
  return std::nullopt;
}

std::string zone_text(std::chrono::minutes zone, std::string_view between) {
  auto minutes = zone.count();
  auto size = minutes < 0 ? -minutes : minutes;
  return (minutes < 0 ? "-" : "+") + padded(size / 60, 2).append(between) + padded(size % 60, 2);
}

}  // namespace

std::optional<std::chrono::minutes> parse_zone(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  auto number = parse_number(text.substr(1));
  if (!number || *number % 100 > 59 || *number / 100 > 23) return std::nullopt;
  auto minutes = static_cast<int>(*number / 100 * 60 + *number % 100);
  return std::chrono::minutes(text[0] == '-' ? -minutes : minutes);
}

std::optional<Moment> parse_date(std::string_view text) {
  auto words = words_of(text);
  std::size_t at = !words.empty() && index_of(kDays, words[0].substr(0, 3)) ? 1 : 0;
  if (words.size() < at + 4) return std::nullopt;
  auto day = parse_number(words[at]);
  auto month = index_of(kMonths, words[at + 1]);
  auto year = parse_number(words[at + 2]);
  auto time = parse_time(words[at + 3]);
  if (!day || !month || !year || !time || *year > 9999) return std::nullopt;
  // RFC 5322 4.3: years of two and three digits.
  if (words[at + 2].size() == 2) *year += *year < 50 ? 2000U : 1900U;
  if (words[at + 2].size() == 3) *year += 1900;
  auto zone = words.size() > at + 4 ? zone_of(words[at + 4]) : std::chrono::minutes(0);
  if (!zone) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                   std::chrono::month(*month + 1),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return Moment{std::chrono::sys_days(date) + *time - *zone, *zone};
}

std::optional<std::string> Moment::part(std::string_view name) const {
  auto local = time + zone;
  auto days = std::chrono::floor<std::chrono::days>(local);
  std::chrono::year_month_day date(days);
  std::chrono::hh_mm_ss clock(local - days);
  auto year = padded(static_cast<int>(date.year()), 4);
  auto month = padded(static_cast<unsigned>(date.month()), 2);
  auto day = padded(static_cast<unsigned>(date.day()), 2);
  auto hour = padded(clock.hours().count(), 2);
  auto minute = padded(clock.minutes().count(), 2);
  auto second = padded(static_cast<long>(clock.seconds().count()), 2);
  if (iequals(name, "year")) return year;
  if (iequals(name, "month")) return month;
  if (iequals(name, "day")) return day;
  if (iequals(name, "date")) return year + "-" + month + "-" + day;
  // The Modified Julian Day of 1970-01-01 is 40587.
  if (iequals(name, "julian")) return std::to_string(days.time_since_epoch().count() + 40587);
  if (iequals(name, "hour")) return hour;
  if (iequals(name, "minute")) return minute;
  if (iequals(name, "second")) return second;
  if (iequals(name, "time")) return hour + ":" + minute + ":" + second;
  if (iequals(name, "iso8601"))
    return year + "-" + month + "-" + day + "T" + hour + ":" + minute + ":" + second +
           (zone.count() == 0 ? "Z" : zone_text(zone, ":"));
  if (iequals(name, "std11")) return std11();
  if (iequals(name, "zone")) return zone_text(zone, "");
  if (iequals(name, "weekday")) return std::to_string(std::chrono::weekday(days).c_encoding());
  return std::nullopt;
}

std::string Moment::std11() const {
  auto days = std::chrono::floor<std::chrono::days>(time + zone);
  std::chrono::year_month_day date(days);
  return std::string(kDays[std::chrono::weekday(days).c_encoding()]) + ", " +
         padded(static_cast<unsigned>(date.day()), 2) + " " +
         std::string(kMonths[static_cast<unsigned>(date.month()) - 1]) + " " +
         padded(static_cast<int>(date.year()), 4) + " " + *part("time") + " " + zone_text(zone, "");
}

}  // namespace handoff::sieve
