// Dates in the header and in the log.
#include "sys/clock.hh"

#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "in_child.hh"

using namespace handoff::sys;
using namespace std::chrono_literals;

namespace {

std::string in_zone(const char* zone, Wall::time_point when) {
  return in_child([&] {
    ::setenv("TZ", zone, 1);
    ::setenv("LC_ALL", "de_DE.UTF-8", 1);
    ::setlocale(LC_ALL, "");
    ::tzset();
    return rfc5322_date(when);
  });
}

const auto kMorning = Wall::from_time_t(1795505497);  // 2026-11-24 07:31:37 UTC

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_clock)

BOOST_AUTO_TEST_CASE(a_date_in_the_header_is_rfc_5322_in_local_time_S9) {
  BOOST_TEST(in_zone("UTC0", kMorning) == "Tue, 24 Nov 2026 07:31:37 +0000");
  BOOST_TEST(in_zone("XXX-5:30", kMorning) == "Tue, 24 Nov 2026 13:01:37 +0530");
  BOOST_TEST(in_zone("XXX+3:30", kMorning) == "Tue, 24 Nov 2026 04:01:37 -0330");
  BOOST_TEST(in_zone("XXX+0:30", kMorning) == "Tue, 24 Nov 2026 07:01:37 -0030");
  BOOST_TEST(in_zone("XXX+9", kMorning) == "Mon, 23 Nov 2026 22:31:37 -0900");
}

BOOST_AUTO_TEST_CASE(a_day_of_one_digit_has_no_leading_zero_S9) {
  BOOST_TEST(in_zone("UTC0", Wall::from_time_t(0)) == "Thu, 1 Jan 1970 00:00:00 +0000");
}

BOOST_AUTO_TEST_CASE(a_date_in_the_log_is_rfc_3339_in_utc_with_milliseconds) {
  BOOST_TEST(rfc3339_date(kMorning + 7ms) == "2026-11-24T07:31:37.007Z");
  BOOST_TEST(rfc3339_date(Wall::from_time_t(0) + 999ms) == "1970-01-01T00:00:00.999Z");
}

BOOST_AUTO_TEST_SUITE_END()
