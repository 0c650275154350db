#include "base/quantity.hh"

#include <array>
#include <cstdio>
#include <ctime>

namespace handoff {

std::string number_text(double value, int digits) {
  std::array<char, 400> text;  // room for the largest double
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string octets_text(double octets) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (octets >= 1024 && unit + 1 < std::size(kUnits)) {
    octets /= 1024;
    ++unit;
  }
  return number_text(octets, unit > 0 && octets < 100 ? 1 : 0) + " " + kUnits[unit];
}

std::string duration_text(double seconds) {
  auto s = static_cast<std::uint64_t>(seconds < 0 ? 0 : seconds);
  auto text = [](std::uint64_t n, const char* unit) { return std::to_string(n) + " " + unit; };
  if (s < 60) return text(s, "s");
  if (s < 3600) return text(s / 60, "min");
  if (s < 86400) return text(s / 3600, "h") + " " + text(s % 3600 / 60, "min");
  return text(s / 86400, "d") + " " + text(s % 86400 / 3600, "h");
}

std::string latency_text(double us) {
  if (us < 1000) return number_text(us, 0) + " us";
  if (us < 1'000'000) return number_text(us / 1000, us < 100'000 ? 1 : 0) + " ms";
  return number_text(us / 1'000'000, 1) + " s";
}

std::string rate_text(double rate) {
  if (rate == 0) return "0";
  return number_text(rate, rate < 1 ? 2 : rate < 100 ? 1 : 0);
}

std::string time_text(std::int64_t when) {
  auto seconds = static_cast<std::time_t>(when);
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02d %02d:%02d:%02dZ", tm.tm_year + 1900,
                tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  return text.data();
}

}  // namespace handoff
