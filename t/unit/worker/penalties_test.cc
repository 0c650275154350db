// Delays of negative replies.
#include "worker/penalties.hh"

#include <boost/test/unit_test.hpp>

using handoff::worker::Penalties;

BOOST_AUTO_TEST_SUITE(worker_penalties)

BOOST_AUTO_TEST_CASE(each_failed_authentication_adds_a_second_of_delay_up_to_five_S18) {
  Penalties penalties;
  for (int expected : {1, 2, 3, 4, 5, 5, 5}) {
    BOOST_TEST(penalties.failed_authentication().count() == expected);
  }
}

BOOST_AUTO_TEST_CASE(from_the_twentieth_on_an_unknown_recipient_is_delayed_by_a_second_S18) {
  Penalties penalties;
  for (int i = 1; i < 20; ++i) BOOST_TEST(penalties.unknown_recipient().count() == 0);
  for (int i = 20; i < 50; ++i) BOOST_TEST(penalties.unknown_recipient().count() == 1);
  penalties.delivered();
  for (int i = 1; i < 20; ++i) BOOST_TEST(penalties.unknown_recipient().count() == 0);
  BOOST_TEST(penalties.unknown_recipient().count() == 1);
}

BOOST_AUTO_TEST_CASE(all_unknown_recipients_of_a_session_take_a_minute_at_most_S18) {
  Penalties penalties;
  std::chrono::seconds all{};
  for (int i = 0; i < 5000; ++i) {
    all += penalties.unknown_recipient();
    if (i % 1000 == 999) penalties.delivered();
  }
  BOOST_TEST(all.count() == 60);
}

BOOST_AUTO_TEST_SUITE_END()
