// X8: the recipients in a report, and its text.
#include "lmtp/dsn_report.hh"

#include <boost/test/unit_test.hpp>
#include <variant>

#include "lmtp/replies.hh"
#include "lmtp/session.hh"

using namespace handoff;
using namespace handoff::lmtp;

namespace {

// Runs a whole session in which "full@…" is over quota and all others get the message.
std::optional<DsnReport> report_of(std::string_view commands, bool dsn = true) {
  SessionOptions options;
  options.hostname = "mx.example.org";
  options.dsn = dsn;
  options.utf8 = true;
  Session session(options, {"local"});
  std::string all = "LHLO me\r\n" + std::string(commands);
  std::string_view input = all;
  for (;;) {
    auto event = session.next(input);
    if (std::holds_alternative<NeedInput>(event)) return session.take_report();
    if (std::holds_alternative<MailBegins>(event)) session.accept_mail();
    if (auto* named = std::get_if<RecipientNamed>(&event)) {
      session.accept_recipient(
          {"example.org/" + named->address.local, "", named->address.local + "@example.org"});
    }
    if (std::holds_alternative<ContentBegins>(event)) session.accept_content({"ID", "a date"});
    if (auto* ends = std::get_if<ContentEnds>(&event)) {
      for (const auto& delivery : ends->deliveries) {
        bool full = delivery.recipient->address.local == "full";
        session.settle(*delivery.recipient, full ? Reply(say::kNoRoom) : Reply(say::kDelivered));
      }
    }
  }
}

std::string names(const std::optional<DsnReport>& report) {
  std::string out;
  if (!report) return "none";
  for (const auto& recipient : report->delivered) out += recipient.address.local + " ";
  return out;
}

const char kContent[] = "DATA\r\nSubject: x\r\nTo: y\r\n\r\nbody\r\n.\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_dsn_report)

BOOST_AUTO_TEST_CASE(x8_recipients_that_requested_a_report_and_got_the_message_are_reported) {
  auto report = report_of(
      std::string("MAIL FROM:<s@example.net>\r\nRCPT TO:<pat@example.org> NOTIFY=SUCCESS\r\n"
                  "RCPT TO:<kim@example.org>\r\nRCPT TO:<full@example.org> NOTIFY=SUCCESS\r\n"
                  "RCPT TO:<lee@example.org> NOTIFY=FAILURE,SUCCESS\r\n") +
      kContent);
  BOOST_TEST(names(report) == "pat lee ");
  BOOST_TEST(report->header.text() == "Subject: x\nTo: y\n");
  BOOST_TEST(report->arrival == "a date");
}

BOOST_AUTO_TEST_CASE(x8_a_mailbox_named_twice_is_reported_for_each_name_that_asked) {
  BOOST_TEST(names(report_of(std::string("MAIL FROM:<s@example.net>\r\n"
                                         "RCPT TO:<pat@example.org> NOTIFY=SUCCESS\r\n"
                                         "RCPT TO:<pat@example.com> NOTIFY=SUCCESS\r\n"
                                         "RCPT TO:<pat@example.net>\r\n") +
                             kContent)) == "pat pat ");
}

BOOST_AUTO_TEST_CASE(x8_no_report_is_sent_if_none_was_requested_or_there_is_no_sender) {
  auto one = [](std::string_view sender, std::string_view notify) {
    return names(report_of("MAIL FROM:<" + std::string(sender) + ">\r\nRCPT TO:<pat@example.org>" +
                           std::string(notify) + "\r\n" + kContent));
  };
  BOOST_TEST(one("s@example.net", " NOTIFY=SUCCESS") == "pat ");
  BOOST_TEST(one("s@example.net", "") == "none");
  BOOST_TEST(one("s@example.net", " NOTIFY=NEVER") == "none");
  BOOST_TEST(one("s@example.net", " NOTIFY=FAILURE,DELAY") == "none");
  BOOST_TEST(one("", " NOTIFY=SUCCESS") == "none");
}

BOOST_AUTO_TEST_CASE(x8_no_report_is_sent_for_a_transaction_without_a_delivery) {
  std::string begin = "MAIL FROM:<s@example.net>\r\nRCPT TO:<full@example.org> NOTIFY=SUCCESS\r\n";
  BOOST_TEST(names(report_of(begin + kContent)) == "none");
  BOOST_TEST(names(report_of(begin + "RSET\r\n")) == "none");
  BOOST_TEST(names(report_of(begin + "BDAT 3\r\nabcRSET\r\n")) == "none");
}

BOOST_AUTO_TEST_CASE(x8_the_header_copy_ends_with_the_header_or_at_its_limit) {
  HeaderCopy header;
  header.take("A: 1\r");
  header.take("\n\tfolded\r\n\r");
  header.take("\nbody\r\n");
  header.take("more\r\n\r\n");
  BOOST_TEST(header.text() == "A: 1\n\tfolded\n");
  HeaderCopy large;
  large.take("A: 1\r\n");
  large.take("B: " + std::string(1 << 20, 'x'));
  large.take("\r\nC: 1\r\n");
  BOOST_TEST(large.text() == "A: 1\n");
}

BOOST_AUTO_TEST_CASE(x8_a_body_without_a_preceding_empty_line_is_not_returned) {
  auto copied = [](const std::string& content) {
    auto report = report_of(
        "MAIL FROM:<s@example.net>\r\nRCPT TO:<pat@example.org> NOTIFY=SUCCESS\r\nDATA\r\n" +
        content + ".\r\n");
    return report->header.text();
  };
  BOOST_TEST(copied("hello, secret\r\nmore: of it\r\n\r\n") == "");
  BOOST_TEST(copied("From x Thu Jan 1 2026\r\nSubject : x\r\n y\r\nsecret of ours\r\nA: 1\r\n") ==
             "From x Thu Jan 1 2026\nSubject : x\n y\n");
  // At the start of these lines it is not yet known whether they are fields.
  auto word = std::string(2000, 'x');
  BOOST_TEST(copied("A: 1\r\n" + word + "\r\nB: 1\r\n") == "A: 1\n");
  BOOST_TEST(copied("A: 1\r\n" + word + " and\r\nB: 1\r\n") == "A: 1\n");
  // This is no field; see content_test.cc.
  BOOST_TEST(copied("A: 1\r\n" + word + ": 1\r\n\r\nbody\r\n") == "A: 1\n");
  BOOST_TEST(copied(word + ": 1\r\n\r\nbody\r\n") == "");
  BOOST_TEST(copied("A: 1\r\n\r\nB: 1\r\n") == "A: 1\n");
}

BOOST_AUTO_TEST_CASE(x8_the_status_part_is_7bit_even_if_the_header_is_not) {
  DsnReport report{{"sender@example.net"}, false, "", "a date", {}, {}};
  report.delivered = {{{"kim", "example.org"}, {}, {}, {}, {}}};
  report.header.take("Subject: \xc3\xbc\r\n\r\n");
  auto text = dsn_text(report, {"mx.example.org", "17.M1P2", "a date"});
  auto encoding = [&](const std::string& type) {
    auto at = text.find("Content-Type: " + type);
    at = text.find("Content-Transfer-Encoding: ", at);
    return text.substr(at + 27, 4);
  };
  BOOST_TEST(encoding("multipart/report") == "8bit");
  BOOST_TEST(encoding("text/plain") == "7bit");
  BOOST_TEST(encoding("message/delivery-status") == "7bit");
  BOOST_TEST(encoding("text/rfc822-headers") == "8bit");
}

BOOST_AUTO_TEST_CASE(x8_the_text_is_a_multipart_report_of_rfc_3464) {
  DsnReport report{{"sender@example.net"}, false, "id 1", "Thu, 1 Jan 2026 00:00:00 +0000", {}, {}};
  Recipient pat{{"pat", "example.org"}, {}, {}, {}, {}};
  pat.original = {"Pat+x@example.com", "rfc822;Pat+2Bx@example.com"};
  report.delivered = {pat, {{"kim", "example.org"}, {}, {}, {}, {}}};
  report.header.take("Subject: x\r\n\r\n");
  BOOST_TEST(dsn_text(report, {"mx.example.org", "17.M1P2", "Fri, 2 Jan 2026 00:00:00 +0000"}) ==
             R"(From: Mail Delivery System <postmaster@mx.example.org>
To: <sender@example.net>
Subject: Delivered: your message
Date: Fri, 2 Jan 2026 00:00:00 +0000
Message-ID: <dsn.17.M1P2@mx.example.org>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
)"
             "\tboundary=\"handoff=_17.M1P2\"\n"
             R"(Content-Transfer-Encoding: 7bit

--handoff=_17.M1P2
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

This is the mail system at mx.example.org.

You asked for this report. Your message was delivered to the mailbox of

    <pat@example.org>
    <kim@example.org>

You need not do anything.

--handoff=_17.M1P2
Content-Type: message/delivery-status
Content-Transfer-Encoding: 7bit

Reporting-MTA: dns; mx.example.org
Original-Envelope-Id: id 1
Arrival-Date: Thu, 1 Jan 2026 00:00:00 +0000

Original-Recipient: rfc822; Pat+2Bx@example.com
Final-Recipient: rfc822; pat@example.org
Action: delivered
Status: 2.0.0

Final-Recipient: rfc822; kim@example.org
Action: delivered
Status: 2.0.0

--handoff=_17.M1P2
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

Subject: x

--handoff=_17.M1P2--
)");
}

BOOST_AUTO_TEST_CASE(x8_a_utf8_transaction_gets_the_types_of_rfc_6533) {
  DsnReport report{{"s\u00e9@example.net"}, true, "", "a date", {}, {}};
  report.delivered = {{{"j\u00f6rg", "example.org"}, {}, {}, {}, {}}};
  auto text = dsn_text(report, {"mx.example.org", "ID", "a date"});
  for (auto part :
       {"Content-Type: message/global-delivery-status\n", "Content-Type: message/global-headers\n",
        "Content-Transfer-Encoding: 8bit\n", "Content-Type: text/plain; charset=utf-8\n",
        "Final-Recipient: utf-8; j\u00f6rg@example.org\n"}) {
    BOOST_TEST((text.find(part) != text.npos), part);
  }
  BOOST_TEST((text.find("7bit") == text.npos));
}

BOOST_AUTO_TEST_SUITE_END()
