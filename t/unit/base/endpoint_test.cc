#include "base/endpoint.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_endpoint)

BOOST_AUTO_TEST_CASE(an_endpoint_is_written_as_it_was_parsed) {
  for (auto text : {"unix:/run/handoff/lmtp", "unix:relative", "unix:/a:b", "tcp:localhost:24",
                    "tcp:127.0.0.1:1", "tcp:[::1]:24", "tcp:[2001:db8::1]:65535", "tcp:*:24"}) {
    auto endpoint = parse_endpoint(text);
    BOOST_REQUIRE_MESSAGE(endpoint.has_value(), text);
    BOOST_TEST(endpoint->text() == text);
    BOOST_CHECK(parse_endpoint(endpoint->text()) == endpoint);
  }
}

BOOST_AUTO_TEST_CASE(the_parts_of_an_endpoint_are_distinguished) {
  auto tcp = parse_endpoint("tcp:[::1]:2424").value();
  BOOST_TEST(!tcp.is_unix);
  BOOST_TEST(tcp.host == "::1");
  BOOST_TEST(tcp.port == 2424);
  auto local = parse_endpoint("unix:/a/b").value();
  BOOST_TEST(local.is_unix);
  BOOST_TEST(local.path == "/a/b");
}

BOOST_AUTO_TEST_CASE(an_invalid_endpoint_is_rejected) {
  for (auto text :
       {"",           "/run/lmtp",   "unix",        "unix:",     "UNIX:/a",   "tcp",
        "tcp:",       "tcp:24",      "tcp::24",     "tcp:[]:24", "tcp:a",     "tcp:a:",
        "tcp:a:0",    "tcp:a:65536", "tcp:a:-1",    "tcp:a:+1",  "tcp:a:24x", "tcp:a: 24",
        "tcp:::1:24", "tcp:[::1]",   "tcp:[::1:24", "udp:a:24"}) {
    BOOST_TEST(!parse_endpoint(text).has_value(), text);
  }
}

// sun_path has 104 octets on the BSDs, with its NUL.
BOOST_AUTO_TEST_CASE(a_socket_path_has_at_most_103_octets) {
  BOOST_TEST(parse_endpoint("unix:" + std::string(103, 'x')).has_value());
  BOOST_TEST(!parse_endpoint("unix:" + std::string(104, 'x')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
