// The PROXY protocol: its header, octet for octet.
#include "lmtp/proxy_header.hh"

#include <boost/test/unit_test.hpp>

#include "base/text.hh"
#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;
using handoff::escape;
using handoff::literal_of;

namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(char command, char family, const std::string& rest) {
  return kSignature + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 0xff) + rest;
}

const std::string kV4("\xc0\x00\x02\x01\xc0\x00\x02\x02\x10\x00\x00\x18", 12);
const std::string kV6(
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\x10\x00\x00\x18",
    36);

struct Row {
  std::string octets;
  std::string client;  // "": none; "malformed"
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{
      {"PROXY TCP4 192.0.2.1 192.0.2.2 4096 24\r\n", "192.0.2.1"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 0 24\r\n", "IPv6:2001:db8::1"},
      {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 24\r\n", "192.0.2.1"},
      {"PROXY UNKNOWN\r\n", ""},
      {"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ""},
      {"PROXY UNKNOWN" + std::string(92, 'x') + "\r\n", "malformed"},
      {"PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", ""},
      {"PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", "malformed"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 4096 24\n\n", "malformed"},
      {"PROXY TCP4  192.0.2.1 192.0.2.2 4096 24\r\n", "malformed"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 4096\r\n", "malformed"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 4096 24 \r\n", "malformed"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 65536 24\r\n", "malformed"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 04096 24\r\n", "malformed"},
      {"PROXY TCP4 192.0.2.1 192.0.2.2 -1 24\r\n", "malformed"},
      {"PROXY TCP4 192.0.2.256 192.0.2.2 4096 24\r\n", "malformed"},
      {"PROXY TCP4 2001:db8::1 2001:db8::2 4096 24\r\n", "malformed"},
      {"PROXY TCP6 192.0.2.1 192.0.2.2 4096 24\r\n", "malformed"},
      {"PROXY UDP4 192.0.2.1 192.0.2.2 4096 24\r\n", "malformed"},
      {"proxy TCP4 192.0.2.1 192.0.2.2 4096 24\r\n", "malformed"},
      {"LHLO client.example\r\n", "malformed"},
      {"\r\n\r\nQUIT\r\n", "malformed"},
      {binary('\x21', '\x11', kV4), "192.0.2.1"},
      {binary('\x21', '\x21', kV6), "IPv6:2001:db8::1"},
      {binary('\x21', '\x11', kV4 + std::string("\x04\x00\x01x", 4)), "192.0.2.1"},
      {binary('\x21', '\x11', kV4 + std::string(60000, '\0')), "192.0.2.1"},
      {binary('\x20', '\x00', ""), ""},
      {binary('\x20', '\x11', kV4), ""},
      {binary('\x21', '\x00', ""), ""},
      {binary('\x21', '\x31', std::string(216, 'x')), ""},
      {binary('\x21', '\x11', kV4.substr(0, 11)), "malformed"},
      {binary('\x21', '\x21', kV4), "malformed"},
      {binary('\x22', '\x11', kV4), "malformed"},
      {binary('\x11', '\x11', kV4), "malformed"},
  };
  return kRows;
}

// Reads as the worker does; returns the octets that were read.
std::string read_header(const std::string& octets, ProxyHeader& header) {
  std::string read;
  header = parse_proxy_header(read);
  while (header.wants > 0 && read.size() < octets.size()) {
    read += octets.substr(read.size(), header.wants);
    header = parse_proxy_header(read);
  }
  return read;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_proxy_header)

BOOST_AUTO_TEST_CASE(a_header_names_the_client_and_is_read_exactly) {
  for (const auto& row : rows()) {
    ProxyHeader header;
    auto read = read_header(row.octets + "LHLO x\r\n", header);
    BOOST_TEST(header.malformed == (row.client == "malformed"), escape(row.octets));
    if (header.malformed) continue;
    BOOST_TEST(read == row.octets, escape(row.octets));
    BOOST_TEST(header.wants == 0u);
    BOOST_TEST((header.client ? literal_of(*header.client) : "") == row.client);
  }
}

BOOST_AUTO_TEST_CASE(a_header_names_both_ends_of_the_connection) {
  auto ends = [](const std::string& octets) {
    const auto& [client, client_port, server, server_port] = parse_proxy_header(octets).ends;
    return literal_of(client) + " " + std::to_string(client_port) + " " + literal_of(server) + " " +
           std::to_string(server_port);
  };
  BOOST_TEST(ends("PROXY TCP4 192.0.2.1 192.0.2.2 4096 24\r\n") == "192.0.2.1 4096 192.0.2.2 24");
  BOOST_TEST(ends(binary('\x21', '\x11', kV4)) == "192.0.2.1 4096 192.0.2.2 24");
  BOOST_TEST(ends(binary('\x21', '\x21', kV6)) == "IPv6:2001:db8::1 4096 IPv6:2001:db8::2 24");
}

BOOST_AUTO_TEST_CASE(an_incomplete_header_requests_more_octets) {
  for (const auto& row : rows()) {
    if (row.client == "malformed") continue;
    for (std::size_t n = 0; n < std::min<std::size_t>(row.octets.size(), 300); ++n) {
      auto header = parse_proxy_header(row.octets.substr(0, n));
      BOOST_TEST(header.wants > 0u, escape(row.octets.substr(0, n)));
      BOOST_TEST(header.wants <= row.octets.size() - n);
    }
  }
}

// The header comes from a peer that the setting does not name: the connection is closed, with a
// reply that does not bounce mail.
BOOST_AUTO_TEST_CASE(a_header_that_is_not_expected_ends_the_session) {
  for (const auto& header : {std::string("PROXY TCP4 192.0.2.1 192.0.2.2 4096 24\r\n"),
                             std::string("PROXY UNKNOWN\r\n"), binary('\x21', '\x11', kV4)}) {
    Dialogue dialogue;
    BOOST_TEST(codes(dialogue.send(header + "LHLO x\r\n")).ends_with("421 4.7.0"), escape(header));
    BOOST_TEST(dialogue.closed);
  }
  Dialogue later;
  BOOST_TEST(codes(later.send("NOOP\r\nPROXY UNKNOWN\r\nNOOP\r\n")) ==
             "250 2.0.0, 500 5.5.1, 250 2.0.0");
}

BOOST_AUTO_TEST_SUITE_END()
