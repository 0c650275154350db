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
  namespace chrono = std::chrono;
  auto moment = chrono::floor<chrono::milliseconds>(when);
  auto day = chrono::floor<chrono::days>(moment);
  chrono::year_month_day date(day);
  chrono::hh_mm_ss time(moment - day);
  // By hand: each line of the log has one.
  std::string text = "0000-00-00T00:00:00.000Z";
  auto put = [&text](std::size_t last, auto number) {
    for (auto rest = static_cast<unsigned>(number); rest > 0; rest /= 10) {
      text[last--] = static_cast<char>('0' + rest % 10);
    }
  };
  put(3, static_cast<int>(date.year()));
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, time.hours().count());
  put(15, time.minutes().count());
  put(18, time.seconds().count());
  put(22, time.subseconds().count());
  return text;
}

}  // namespace handoff::sys
