// The format of durations in the log.
#include "worker/timed.hh"

#include <boost/test/unit_test.hpp>

using handoff::worker::in_seconds;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(worker_timed)

BOOST_AUTO_TEST_CASE(a_duration_is_logged_in_seconds_with_four_decimals) {
  BOOST_TEST(in_seconds(0ns) == "0.0000");
  BOOST_TEST(in_seconds(49us) == "0.0000");
  BOOST_TEST(in_seconds(51us) == "0.0001");
  BOOST_TEST(in_seconds(12345us) == "0.0123");
  BOOST_TEST(in_seconds(999950us) == "1.0000");
  BOOST_TEST(in_seconds(3s + 500ms) == "3.5000");
  BOOST_TEST(in_seconds(2h) == "7200.0000");
}

BOOST_AUTO_TEST_SUITE_END()
