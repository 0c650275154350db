#include "base/network.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;

namespace {

bool contains(std::string_view network, std::string_view address) {
  auto parsed = Network::parse(network);
  auto ip = parse_ip(address);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), network);
  BOOST_REQUIRE_MESSAGE(ip.has_value(), address);
  return parsed->contains(*ip);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base_network)

BOOST_AUTO_TEST_CASE(an_address_is_in_its_network_and_in_no_other_L11) {
  BOOST_TEST(contains("192.0.2.0/24", "192.0.2.0"));
  BOOST_TEST(contains("192.0.2.0/24", "192.0.2.255"));
  BOOST_TEST(!contains("192.0.2.0/24", "192.0.3.0"));
  BOOST_TEST(!contains("192.0.2.0/24", "192.0.1.255"));
  BOOST_TEST(contains("192.0.2.128/25", "192.0.2.128"));
  BOOST_TEST(!contains("192.0.2.128/25", "192.0.2.127"));
  BOOST_TEST(contains("127.0.0.0/8", "127.255.0.1"));
  BOOST_TEST(contains("192.0.2.1", "192.0.2.1"));
  BOOST_TEST(!contains("192.0.2.1", "192.0.2.0"));
  BOOST_TEST(contains("192.0.2.1/32", "192.0.2.1"));
  BOOST_TEST(contains("2001:db8::/32", "2001:db8:ffff::1"));
  BOOST_TEST(!contains("2001:db8::/32", "2001:db9::"));
  BOOST_TEST(contains("::1", "::1"));
  BOOST_TEST(!contains("::1", "::"));
  BOOST_TEST(contains("::/0", "2001:db8::1"));
}

// On an IPv6 socket an IPv4 client has the address ::ffff:a.b.c.d.
BOOST_AUTO_TEST_CASE(an_ipv4_mapped_address_counts_as_ipv4_L11) {
  BOOST_TEST(contains("192.0.2.0/24", "::ffff:192.0.2.9"));
  BOOST_TEST(contains("::ffff:192.0.2.0/120", "192.0.2.9"));
  BOOST_TEST(!contains("127.0.0.0/8", "::1"));
  BOOST_TEST(contains("0.0.0.0/0", "198.51.100.1"));
  BOOST_TEST(!contains("0.0.0.0/0", "2001:db8::1"));
}

BOOST_AUTO_TEST_CASE(an_invalid_network_is_rejected_L11) {
  for (auto text :
       {"", "/", "/8", "localhost", "192.0.2", "192.0.2.256", "192.0.2.0/", "192.0.2.0/33",
        "192.0.2.0/-1", "192.0.2.0/24/8", "192.0.2.0/255.255.255.0", " 192.0.2.0/24",
        "192.0.2.0/24 ", "[::1]", "::1/129", "2001:db8::g", "fe80::1%eth0"}) {
    BOOST_TEST(!Network::parse(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(bits_after_the_prefix_are_an_error_L11) {
  for (auto text : {"192.0.2.1/24", "192.0.2.64/25", "0.0.0.1/0", "2001:db8::1/32", "::1/127"}) {
    BOOST_TEST(!Network::parse(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_client_is_an_address_or_an_ipv6_network_of_64_bits_S14) {
  auto client = [](std::string_view address) {
    return literal_of(client_network(parse_ip(address).value()));
  };
  BOOST_TEST(client("192.0.2.1") == "192.0.2.1");
  BOOST_TEST(client("::ffff:192.0.2.1") == "192.0.2.1");
  BOOST_TEST(client("2001:db8:1:2:3:4:5:6") == "IPv6:2001:db8:1:2::");
  BOOST_TEST(client("::1") == "IPv6:::");
}

BOOST_AUTO_TEST_CASE(a_group_of_peers_is_a_network_or_unix_or_none) {
  auto contains_peer = [](std::string_view group, const std::optional<IpAddress>& peer) {
    return PeerGroup::parse(group).value().contains(peer);
  };
  auto client = parse_ip("192.0.2.1");
  BOOST_TEST(contains_peer("192.0.2.0/24", client));
  BOOST_TEST(!contains_peer("192.0.2.0/24", parse_ip("192.0.3.1")));
  BOOST_TEST(!contains_peer("192.0.2.0/24", std::nullopt));
  BOOST_TEST(contains_peer("unix", std::nullopt));
  BOOST_TEST(!contains_peer("unix", client));
  BOOST_TEST(!contains_peer("none", std::nullopt));
  BOOST_TEST(!contains_peer("none", client));
  BOOST_TEST(!PeerGroup::parse("").has_value());
  BOOST_TEST(!PeerGroup::parse("all").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
