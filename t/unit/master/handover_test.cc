// The state that one program image passes to the next.
#include <boost/test/unit_test.hpp>

#include "master/handover.hh"

using handoff::parse_endpoint;
using handoff::master::Handover;

BOOST_AUTO_TEST_SUITE(master_handover)

BOOST_AUTO_TEST_CASE(an_unpacked_handover_equals_the_packed_one) {
  Handover sent;
  sent.trial = sent.activated = true;
  sent.listeners = {{*parse_endpoint("unix:/run/a b/lmtp.sock"), 7},
                    {*parse_endpoint("tcp:[::1]:24"), 8},
                    {*parse_endpoint("tcp:[::1]:24"), 9}};
  sent.control = 10;
  sent.http = 11;
  sent.http_endpoint = "tcp:127.0.0.1:9024";
  sent.pid_file = 12;
  sent.pid_file_path = "/run/handoffd.pid";
  sent.life_read = 13;
  sent.life_write = 14;
  sent.workers = {100, 200};
  sent.upgrades = 3;
  sent.started = 1'795'000'000;
  sent.deaths = 4;
  sent.killed = 2;
  sent.reloads_refused = 1;
  sent.totals = "1.2. 3 4";
  sent.backends = "1:1,4:b:24,";
  auto got = Handover::unpack(sent.pack());
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->trial);
  BOOST_TEST(got->activated);
  BOOST_CHECK(got->listeners == sent.listeners);
  BOOST_TEST(got->control == 10);
  BOOST_TEST(got->http == 11);
  BOOST_TEST(got->http_endpoint == sent.http_endpoint);
  BOOST_TEST(got->pid_file == 12);
  BOOST_TEST(got->pid_file_path == sent.pid_file_path);
  BOOST_TEST(got->life_read == 13);
  BOOST_TEST(got->life_write == 14);
  BOOST_CHECK(got->workers == sent.workers);
  BOOST_TEST(got->upgrades == 3U);
  BOOST_TEST(got->started == sent.started);
  BOOST_TEST(got->deaths == 4U);
  BOOST_TEST(got->killed == 2U);
  BOOST_TEST(got->reloads_refused == 1U);
  BOOST_TEST(got->totals == sent.totals);
  BOOST_TEST(got->backends == sent.backends);
}

BOOST_AUTO_TEST_CASE(an_empty_text_yields_no_handover) {
  BOOST_CHECK(!Handover::unpack(""));
  BOOST_CHECK(!Handover::unpack("something else\nlistener 7 unix:/x"));
}

BOOST_AUTO_TEST_CASE(unknown_or_invalid_lines_are_ignored) {
  auto got =
      Handover::unpack(Handover().pack() + "\nfuture 7 things\nlistener x unix:/a\nlistener 5 y\n");
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->listeners.empty());
  BOOST_TEST(got->control == -1);
}

BOOST_AUTO_TEST_SUITE_END()
