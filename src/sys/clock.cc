#include "sys/clock.hh"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace handoff::sys {

std::string rfc5322_date(Wall::time_point when) {
  // Not strftime: names of days and months must be English whatever the locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::time_t seconds = Wall::to_time_t(when);
  std::tm tm{};
  ::localtime_r(&seconds, &tm);
  long zone = tm.tm_gmtoff / 60;
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%s, %d %s %d %02d:%02d:%02d %c%02ld%02ld",
                kDays[tm.tm_wday], tm.tm_mday, kMonths[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                tm.tm_min, tm.tm_sec, zone < 0 ? '-' : '+', std::labs(zone) / 60,
                std::labs(zone) % 60);
  return text.data();
}

std::string rfc3339_date(Wall::time_point when) {
  std::time_t seconds = Wall::to_time_t(when);
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                static_cast<int>(ms % 1000));
  return text.data();
}

}  // namespace handoff::sys
