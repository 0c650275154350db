#include "base/quantity.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_quantity)

BOOST_AUTO_TEST_CASE(quantities_are_written_for_people) {
  BOOST_TEST(octets_text(512) == "512 B");
  BOOST_TEST(octets_text(1536) == "1.5 KiB");
  BOOST_TEST(duration_text(59.9) == "59 s");
  BOOST_TEST(duration_text(7500) == "2 h 5 min");
  BOOST_TEST(duration_text(800'000) == "9 d 6 h");
  BOOST_TEST(latency_text(850) == "850 us");
  BOOST_TEST(latency_text(3200) == "3.2 ms");
  BOOST_TEST(rate_text(0.25) == "0.25");
  BOOST_TEST(time_text(0) == "1970-01-01 00:00:00Z");
}

BOOST_AUTO_TEST_SUITE_END()
