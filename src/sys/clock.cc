#include "sys/clock.hh"

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace handoff::sys {
namespace {

// Writes `number` over the zeros in `text` that end at `last`. Hand-written for speed: each message
// and each log line has a date.
void put(std::string& text, std::size_t last, std::int64_t number) {
  for (; number > 0; number /= 10) text[last--] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string rfc5322_date(Wall::time_point when) {
  // Not strftime: the names of days and months must be English in every locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t seconds = Wall::to_time_t(when);
  std::tm tm{};
  ::localtime_r(&seconds, &tm);
  auto zone = tm.tm_gmtoff / 60;  // minutes
  auto text = std::string(kDays[tm.tm_wday]) + ", " + std::to_string(tm.tm_mday) + " " +
              kMonths[tm.tm_mon] + " 0000 00:00:00 +0000";
  auto size = text.size();
  put(text, size - 16, tm.tm_year + 1900);
  put(text, size - 13, tm.tm_hour);
  put(text, size - 10, tm.tm_min);
  put(text, size - 7, tm.tm_sec);
  if (zone < 0) text[size - 5] = '-';
  put(text, size - 3, std::labs(zone) / 60);
  put(text, size - 1, std::labs(zone) % 60);
  return text;
}

std::chrono::minutes utc_offset(Wall::time_point when) {
  std::time_t seconds = Wall::to_time_t(when);
  std::tm tm{};
  ::localtime_r(&seconds, &tm);
  return std::chrono::minutes(tm.tm_gmtoff / 60);
}

std::string rfc3339_date(Wall::time_point when) {
  namespace chrono = std::chrono;
  auto moment = chrono::floor<chrono::milliseconds>(when);
  auto day = chrono::floor<chrono::days>(moment);
  chrono::year_month_day date(day);
  chrono::hh_mm_ss time(moment - day);
  std::string text = "0000-00-00T00:00:00.000Z";
  put(text, 3, static_cast<int>(date.year()));
  put(text, 6, static_cast<unsigned>(date.month()));
  put(text, 9, static_cast<unsigned>(date.day()));
  put(text, 12, time.hours().count());
  put(text, 15, time.minutes().count());
  put(text, 18, time.seconds().count());
  put(text, 22, time.subseconds().count());
  return text;
}

}  // namespace handoff::sys
