// X12: dates of RRVS and of the field `since`.
#include "base/date_time.hh"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace handoff;

namespace {

std::string seconds(std::string_view text) {
  auto time = parse_date_time(text);
  return time ? std::to_string(time->time_since_epoch().count()) : "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_date_time)

BOOST_AUTO_TEST_CASE(times_of_rfc_3339_are_parsed_X12) {
  BOOST_TEST(seconds("1970-01-01T00:00:00Z") == "0");
  BOOST_TEST(seconds("2014-04-03T23:01:00Z") == "1396566060");
  BOOST_TEST(seconds("2014-04-03t23:01:00z") == "1396566060");
  BOOST_TEST(seconds("2014-04-04T01:01:00+02:00") == "1396566060");
  BOOST_TEST(seconds("2014-04-03T18:31:00-04:30") == "1396566060");
  BOOST_TEST(seconds("2014-04-03T23:01:00.999Z") == "1396566060");
  BOOST_TEST(seconds("2016-02-29T00:00:00Z") == "1456704000");
  BOOST_TEST(seconds("2016-12-31T23:59:60Z") == "1483228800");  // a leap second
  BOOST_TEST(seconds("1969-12-31T23:59:59Z") == "-1");
}

BOOST_AUTO_TEST_CASE(an_invalid_time_is_rejected_X12) {
  for (std::string text : {"",
                           "2014",
                           "2014-04-03",
                           "2014-04-03T23:01Z",
                           "2014-04-03T23:01:00",
                           "2014-04-03 23:01:00Z",
                           "2014-13-03T23:01:00Z",
                           "2014-00-03T23:01:00Z",
                           "2014-04-31T23:01:00Z",
                           "2015-02-29T23:01:00Z",
                           "2014-04-03T24:01:00Z",
                           "2014-04-03T23:60:00Z",
                           "2014-04-03T23:01:61Z",
                           "2014-04-03T23:01:00.Z",
                           "2014-04-03T23:01:00.5",
                           "2014-04-03T23:01:00+02",
                           "2014-04-03T23:01:00+0200",
                           "2014-04-03T23:01:00+24:00",
                           "2014-04-03T23:01:00+02:60",
                           "2014-04-03T23:01:00Zx",
                           "02014-04-03T23:01:00Z",
                           "2014-4-03T23:01:00Z",
                           "-014-04-03T23:01:00Z",
                           "+014-04-03T23:01:00Z"}) {
    BOOST_TEST(seconds(text) == "none", text);
  }
}

BOOST_AUTO_TEST_CASE(a_time_may_also_be_a_number_or_a_generalized_time_X12) {
  auto moment = [](std::string_view text) {
    auto time = parse_moment(text);
    return time ? std::to_string(time->time_since_epoch().count()) : "none";
  };
  for (auto text : {"2014-04-03T23:01:00Z", "1396566060", "20140403230100Z"}) {
    BOOST_TEST(moment(text) == "1396566060", text);
  }
  BOOST_TEST(moment("0") == "0");
  BOOST_TEST(moment("253402300799") == "253402300799");
  for (auto text : {"", "-1", "253402300800", "20140403230100", "201404032301Z", "20140403230100z",
                    "20141303230100Z", "2014-04-03", "2014-04-03 23:01:00", "yesterday"}) {
    BOOST_TEST(moment(text) == "none", text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
