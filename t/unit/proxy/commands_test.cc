#include "proxy/commands.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::proxy;

namespace {

const auto kAll = Capabilities::parse(
    "b\nPIPELINING\nsize 1000\n8BITMIME\nSMTPUTF8\nCHUNKING\nBINARYMIME\nDSN\nRRVS\nXHOPS\n"
    "XFORWARD NAME addr HELO IDENT");

Envelope envelope() {
  Envelope out;
  out.sender.text = "s@example.net";
  out.declared_size = 42;
  out.body = Body::k8BitMime;
  out.utf8 = true;
  out.envelope_id = "a+b";
  out.hops = 1;
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(proxy_commands)

BOOST_AUTO_TEST_CASE(parameters_are_those_that_the_backend_announces) {
  BOOST_TEST(mail_command(envelope(), kAll) ==
             "MAIL FROM:<s@example.net> SIZE=42 BODY=8BITMIME SMTPUTF8 ENVID=a+2Bb XHOPS=2\r\n");
  BOOST_TEST(mail_command(envelope(), {}) == "MAIL FROM:<s@example.net>\r\n");
  Recipient recipient;
  recipient.notify_success = true;
  recipient.original = OriginalRecipient{"o@x", "rfc822;o@x"};
  recipient.valid_since = std::chrono::sys_seconds(std::chrono::seconds(1396566060));
  BOOST_TEST(rcpt_command("p@x", recipient, kAll) ==
             "RCPT TO:<p@x> NOTIFY=SUCCESS ORCPT=rfc822;o@x RRVS=2014-04-03T23:01:00Z\r\n");
  BOOST_TEST(rcpt_command("p@x", recipient, {}) == "RCPT TO:<p@x>\r\n");
}

BOOST_AUTO_TEST_CASE(a_message_that_needs_a_missing_extension_is_not_sent) {
  auto binary = envelope();
  binary.body = Body::kBinaryMime;
  BOOST_TEST(missing_extension(binary, "p@x", {}) == "BINARYMIME");
  BOOST_TEST(missing_extension(binary, "p@x", kAll) == "");
  BOOST_TEST(missing_extension(envelope(), "p\xc3\xbc@x", {}) == "SMTPUTF8");
  BOOST_TEST(missing_extension(envelope(), "p@x", {}) == "");
}

BOOST_AUTO_TEST_CASE(the_client_is_the_one_that_was_named_or_our_own) {
  auto ours = client_of({}, parse_ip("192.0.2.1"), "client.test");
  BOOST_TEST(xforward_command(ours, kAll) == "XFORWARD ADDR=192.0.2.1 HELO=client.test\r\n");
  auto named = client_of({"mx.test", "192.0.2.9", "", "4XYZ"}, parse_ip("192.0.2.1"), "q");
  BOOST_TEST(xforward_command(named, kAll) ==
             "XFORWARD NAME=mx.test ADDR=192.0.2.9 IDENT=4XYZ\r\n");
  BOOST_TEST(xforward_command(named, {}) == "");
  BOOST_TEST(xforward_command(client_of({}, std::nullopt, "q"), kAll) == "");
}

BOOST_AUTO_TEST_CASE(the_address_is_the_given_one_unless_an_alias_led_to_another) {
  auto there = [](const Address& given, const char* found, const char* detail) {
    return address_there(given, found, detail, "+-");
  };
  BOOST_TEST(there({"Pat", "Example.org"}, "pat@example.org", "") == "Pat@Example.org");
  BOOST_TEST(there({"Pat-lists", "example.org"}, "pat@example.org", "lists") ==
             "Pat-lists@example.org");
  BOOST_TEST(there({"info", "example.org"}, "pat@example.org", "") == "pat@example.org");
  BOOST_TEST(there({"info-x", "example.org"}, "pat@example.org", "x") == "pat+x@example.org");
}

BOOST_AUTO_TEST_SUITE_END()
