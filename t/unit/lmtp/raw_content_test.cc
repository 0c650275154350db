// X13: content for other hosts, which is passed on exactly as it was received.
#include <boost/test/unit_test.hpp>
#include <string>

#include "lmtp/dialogue.hh"

using namespace handoff;
using namespace handoff::lmtp;

namespace {

const std::string kRawText =
    "Return-Path: <old@example.net>\r\nSubject: x\r\n\r\n.\r\n..\r\nbare\nLF and\rCR\r\n";
const std::string kStuffed =
    "Return-Path: <old@example.net>\r\nSubject: x\r\n\r\n..\r\n...\r\nbare\nLF and\rCR\r\n.\r\n";

std::string envelope(const std::string& recipients) {
  return "LHLO c\r\nMAIL FROM:<s@example.net>\r\n" + recipients;
}
const std::string kAway = "RCPT TO:<away@example.org>\r\n";
const std::string kHere = "RCPT TO:<here@example.org>\r\n";

SessionOptions with_hops() {
  auto options = plain_options();
  options.proxy = true;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_raw_content)

BOOST_AUTO_TEST_CASE(content_is_passed_on_as_it_was_received_X13) {
  for (std::size_t size : {1UL, 2UL, 7UL, 1000UL}) {
    Dialogue session;
    session.send(envelope(kAway) + "DATA\r\n");
    session.send_in_pieces(kStuffed, size);
    BOOST_TEST(session.last().raw == kRawText);
    BOOST_TEST(session.last().copies.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(chunks_are_passed_on_as_they_were_received_X13) {
  Dialogue session;
  session.send(envelope(kAway) + "BDAT 10\r\n" + kRawText.substr(0, 10));
  session.send("BDAT " + std::to_string(kRawText.size() - 10) + " LAST\r\n" + kRawText.substr(10));
  BOOST_TEST(session.last().raw == kRawText);
}

BOOST_AUTO_TEST_CASE(content_without_a_header_is_passed_on_without_a_blank_line_X13) {
  Dialogue session;
  session.send(envelope(kAway) + "DATA\r\nno header\r\n.\r\n");
  BOOST_TEST(session.last().raw == "no header\r\n");
}

BOOST_AUTO_TEST_CASE(content_is_not_passed_on_if_every_mailbox_is_here) {
  Dialogue session;
  session.send(envelope(kHere) + "DATA\r\n" + kStuffed);
  BOOST_TEST(session.last().raw == "");
}

BOOST_AUTO_TEST_CASE(a_single_local_recipient_gets_its_own_trace_header) {
  Dialogue session;
  session.send(envelope(kAway + kHere) + "DATA\r\n" + kStuffed);
  BOOST_TEST(session.last().raw == kRawText);
  BOOST_TEST(session.last().trace().find("Delivered-To: here@example.org\r\n") !=
             std::string::npos);
  BOOST_TEST(session.last().body().find("Return-Path") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_is_passed_on_after_a_refusal) {
  auto options = plain_options();
  options.max_message_size = 10;
  Dialogue session(options);
  session.send(envelope(kAway) + "DATA\r\n");
  session.send("12345\r\n");
  auto replies = session.send("more than that\r\n.\r\n");
  BOOST_TEST(replies.substr(0, 9) == "552 5.3.4");
  BOOST_TEST(session.last().dropped);
}

BOOST_AUTO_TEST_CASE(xhops_is_accepted_only_if_mail_may_be_passed_on_X13) {
  Dialogue proxy(with_hops());
  BOOST_TEST(proxy.send("LHLO c\r\n").find("XHOPS") != std::string::npos);
  BOOST_TEST(proxy.send("MAIL FROM:<> XHOPS=2\r\n").substr(0, 3) == "250");
  BOOST_TEST(proxy.session().envelope().hops == 2U);
  for (const char* wrong : {"XHOPS", "XHOPS=", "XHOPS=-1", "XHOPS=100", "XHOPS=x"}) {
    Dialogue other(with_hops());
    other.send("LHLO c\r\n");
    BOOST_TEST(other.send("MAIL FROM:<> " + std::string(wrong) + "\r\n").substr(0, 9) ==
               "501 5.5.4");
  }
  Dialogue plain;
  BOOST_TEST(plain.send("LHLO c\r\n").find("XHOPS") == std::string::npos);
  BOOST_TEST(plain.send("MAIL FROM:<> XHOPS=2\r\n").substr(0, 9) == "555 5.5.4");
}

BOOST_AUTO_TEST_SUITE_END()
