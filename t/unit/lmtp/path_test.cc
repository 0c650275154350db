// The grammar of paths and its extensions, and the parsing of written addresses.
#include "lmtp/path.hh"

#include <boost/test/unit_test.hpp>

#include "base/text.hh"
#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;
using handoff::Address;
using handoff::escape;

namespace {

struct Good {
  std::string path;
  std::string local;
  std::string domain;
};

std::string x(std::size_t n) { return std::string(n, 'x'); }

// Returns a domain of n octets (n >= 60).
std::string domain_of(std::size_t n) {
  std::string out;
  while (out.size() + 60 < n) out.append(50, 'x') += '.';
  return out + x(n - out.size());
}

const std::vector<Good>& good_paths() {
  static const std::vector<Good> kGood{
      {"<a@b>", "a", "b"},
      {"<pat@example.org>", "pat", "example.org"},
      {"<Pat@Example.ORG>", "Pat", "Example.ORG"},
      {"<a.b.c@d.e.f>", "a.b.c", "d.e.f"},
      {"<!#$%&'*+-/=?^_`{|}~@x.example>", "!#$%&'*+-/=?^_`{|}~", "x.example"},
      {"<1@2.3>", "1", "2.3"},
      {"<a@b-c.d--e>", "a", "b-c.d--e"},
      {"<a@_dmarc.x.example>", "a", "_dmarc.x.example"},
      {"<\"a\"@x.example>", "a", "x.example"},
      {"<\"\"@x.example>", "", "x.example"},
      {"<\"a b\"@x.example>", "a b", "x.example"},
      {"<\"a@b\"@x.example>", "a@b", "x.example"},
      {"<\"<a>,:;()[]\"@x.example>", "<a>,:;()[]", "x.example"},
      {"<\".a..b.\"@x.example>", ".a..b.", "x.example"},
      {"<\"a\\\"b\"@x.example>", "a\"b", "x.example"},
      {"<\"a\\\\b\"@x.example>", "a\\b", "x.example"},
      {"<\"\\a\\ \\@\"@x.example>", "a @", "x.example"},
      {"<a@[192.0.2.1]>", "a", "[192.0.2.1]"},
      {"<a@[IPv6:2001:db8::1]>", "a", "[IPv6:2001:db8::1]"},
      {"<a@[ipv6:::ffff:192.0.2.1]>", "a", "[ipv6:::ffff:192.0.2.1]"},
      {"<@one.example:a@x.example>", "a", "x.example"},
      {"<@one.example,@two.example:\"a b\"@x.example>", "a b", "x.example"},
      {"<@[192.0.2.1]:a@x.example>", "a", "x.example"},
      {"<postmaster@x.example>", "postmaster", "x.example"},
      {"<" + x(64) + "@x.example>", x(64), "x.example"},
      {"<a@" + x(63) + ".example>", "a", x(63) + ".example"},
      {"<a@" + domain_of(252) + ">", "a", domain_of(252)},
      // Beyond the grammar, but such recipients exist.
      {"<.a@b>", ".a", "b"},
      {"<a.@b>", "a.", "b"},
      {"<a..b@c>", "a..b", "c"},
      {"<...@b>", "...", "b"},
      {"<pat+confirm+" + x(60) + "@x.example>", "pat+confirm+" + x(60), "x.example"},
      {"<\"" + x(65) + "\"@b>", x(65), "b"},
      {"<" + x(1000) + "@b>", x(1000), "b"},
      {"<a@" + domain_of(255) + ">", "a", domain_of(255)},
      {"<@" + domain_of(240) + ":a@x.example.org>", "a", "x.example.org"},
      {"<@-b,@b-.c:a@x.example.org>", "a", "x.example.org"},
      {"<@" + x(64) + "," + "@" + domain_of(300) + ":a@x.example.org>", "a", "x.example.org"},
  };
  return kGood;
}

const std::vector<std::string>& bad_paths() {
  static const std::vector<std::string> kBad{
      "",
      "<",
      ">",
      "a@b",
      "<a@b",
      "a@b>",
      "<<a@b>",
      "<a@b>>",
      "<a@b>x",
      "<a@b>\tSIZE=1",
      "< a@b>",
      "<a@b >",
      "<a @b>",
      "<a@ b>",
      "<a b@c>",
      "<@b>",
      "<a@>",
      "<a>",
      "<a@b@c>",
      "<a@.b>",
      "<a@b.>",
      "<a@b..c>",
      "<a@b!c>",
      "<a@b/c>",
      "<a,b@c>",
      "<a:b@c>",
      "<a;b@c>",
      "<a(x)@b>",
      "<a@b(x)>",
      "<a\\b@c>",
      "<a\"b\"@c>",
      "<\"a\"b@c>",
      "<\"a\".b@c>",
      "<\"a@b>",
      "<\"a\\\"@b>",
      "<\"a\x01\"@b>",
      "<\"a\\\x01\"@b>",
      "<\"a\tb\"@c>",
      "<\"a\x7f\"@b>",
      "<a@[192.0.2.1>",
      "<a@192.0.2.1]>",
      "<a@[]>",
      "<a@[192.0.2]>",
      "<a@[192.0.2.256]>",
      "<a@[192.0.2.1]x>",
      "<a@[192.0.2.1].x>",
      "<a@[IPv6:]>",
      "<a@[IPv6:1]>",
      "<a@[IPv6:192.0.2.1]>",
      "<a@[2001:db8::1]>",
      "<a@[IPv6:2001:db8::g]>",
      "<a@[x.example]>",
      "<a@[tag:text]>",
      "<@one.example a@b>",
      "<@one.example>",
      "<@one.example:>",
      "<@one.example,:a@b>",
      "<@one.example,two.example:a@b>",
      "<@:a@b>",
      "<one.example:a@b>",
  };
  return kBad;
}

constexpr PathRules kRecipient{};

struct SenderRow {
  std::string path;
  std::string return_path;  // empty: 501 5.1.7
};

// Forms of MAIL FROM: and the Return-Path: of each.
const std::vector<SenderRow>& sender_rows() {
  static const std::vector<SenderRow> kRows{
      // Valid, as RFC 5321 writes them.
      {"<>", "<>"},
      {"<pat@example.org>", "<pat@example.org>"},
      {"<Pat@Example.ORG>", "<Pat@Example.ORG>"},
      {"<\"a b\"@x.example>", "<\"a b\"@x.example>"},
      {"<\"a\"@x.example>", "<a@x.example>"},
      {"<\"a\\\"b\"@x.example>", "<\"a\\\"b\"@x.example>"},
      {"<\"a>b\"@x.example>", "<\"a>b\"@x.example>"},
      {"<\"\"@x.example>", "<\"\"@x.example>"},
      {"<a@[192.0.2.1]>", "<a@[192.0.2.1]>"},
      {"<a@[IPv6:2001:db8::1]>", "<a@[IPv6:2001:db8::1]>"},
      {"<@one.example,@two.example:a@x.example>", "<a@x.example>"},
      {"<" + x(65) + "@b>", "<" + x(65) + "@b>"},
      {"<" + x(253) + "@b>", "<" + x(253) + "@b>"},
      {"<" + x(900) + "@b>", "<" + x(900) + "@b>"},
      // A quoted local part makes them valid.
      {"<a..b@example.net>", "<\"a..b\"@example.net>"},
      {"<a.@example.net>", "<\"a.\"@example.net>"},
      {"<.a@example.net>", "<\".a\"@example.net>"},
      {"<..@example.net>", "<\"..\"@example.net>"},
      {"<a b@c>", "<\"a b\"@c>"},
      {"<a @b>", "<\"a \"@b>"},
      {"< a@b >", "<a@b>"},
      {"<a@b@c>", "<\"a@b\"@c>"},
      {"<a,b@c>", "<\"a,b\"@c>"},
      {"<a:b@c>", "<\"a:b\"@c>"},
      {"<a;b@c>", "<\"a;b\"@c>"},
      {"<a(x)@b>", "<\"a(x)\"@b>"},
      {"<a[x]@b>", "<\"a[x]\"@b>"},
      {"<a\\b@c>", "<\"a\\\\b\"@c>"},
      {"<a\"b\"@c>", "<\"a\\\"b\\\"\"@c>"},
      {"<\"a\"b@c>", "<\"\\\"a\\\"b\"@c>"},
      {"<\"a\".b\"c\"@d>", "<\"\\\"a\\\".b\\\"c\\\"\"@d>"},
      {"<a.\"b.c\".d@e>", "<a.b.c.d@e>"},
      {"<\"a\".b@c>", "<a.b@c>"},
      {"<\"a b\".c@d>", "<\"a b.c\"@d>"},
      {"<\"a@b>", "<\"\\\"a\"@b>"},
      {"<a\"b@c>", "<\"a\\\"b\"@c>"},
      {"<<a@b>", "<\"<a\"@b>"},
      {"<@b>", "<\"\"@b>"},
      {"<one.example:a@b>", "<\"one.example:a\"@b>"},
      {"<@one.example a@b>", "<\"@one.example a\"@b>"},
      {"<@:a@b>", "<\"@:a\"@b>"},
      {"<a>", "<a>"},
      {"<MAILER-DAEMON>", "<MAILER-DAEMON>"},
      {"<a..b>", "<\"a..b\">"},
      // These cannot be made valid and are written unchanged.
      {"<a@host-.example>", "<a@host-.example>"},
      {"<a@-host.example>", "<a@-host.example>"},
      {"<a@.b>", "<a@.b>"},
      {"<a@b.>", "<a@b.>"},
      {"<a@b..c>", "<a@b..c>"},
      {"<a@>", "<a@>"},
      {"<@>", "<@>"},
      {"<a..b@c..d>", "<a..b@c..d>"},
      {"<a@ b>", "<a@ b>"},
      {"<a@b c>", "<a@b c>"},
      {"<a@b!c>", "<a@b!c>"},
      {"<a@b/c>", "<a@b/c>"},
      {"<a@b(x)>", "<a@b(x)>"},
      {"<a@b,c>", "<a@b,c>"},
      {"<a@b:25>", "<a@b:25>"},
      {"<a@*.example>", "<a@*.example>"},
      {"<a@[192.0.2.1>", "<a@[192.0.2.1>"},
      {"<a@192.0.2.1]>", "<a@192.0.2.1]>"},
      {"<a@[]>", "<a@[]>"},
      {"<a@[192.0.2.256]>", "<a@[192.0.2.256]>"},
      {"<a@[IPv6:1]>", "<a@[IPv6:1]>"},
      {"<a@[2001:db8::1]>", "<a@[2001:db8::1]>"},
      {"<a@[tag:text]>", "<a@[tag:text]>"},
      {"<a@b SIZE=1>", "<a@b SIZE=1>"},
      {"<a@" + x(64) + ".example>", "<a@" + x(64) + ".example>"},
      {"<a@" + domain_of(256) + ">", "<a@" + domain_of(256) + ">"},
      {"<\xc3\xbc@x.example>", "<\xc3\xbc@x.example>"},
      {"<a@b\xc3\xbc.example>", "<a@b\xc3\xbc.example>"},
      {"<a@\xe2\x80\xa6.example>", "<a@\xe2\x80\xa6.example>"},
      // These could break the header.
      {"<a@<b>", "<>"},
      {"<a\xfc@x.example>", "<>"},
      {"<a@b\xfc.example>", "<>"},
      {"<a\xc2\x85X: y@x.example>", "<>"},
      {"<a\xe2\x80\xa8X: y@x.example>", "<>"},
      {"<" + x(1100) + "@b>", "<>"},
      {"< >", "<>"},
      // No path, or one whose end is unclear.
      {"", ""},
      {"<", ""},
      {">", ""},
      {"a@b", ""},
      {"a@b>", ""},
      {"<a@b", ""},
      {"Pat <a@b>", ""},
      {"<a@b>>", ""},
      {"<a@b>x", ""},
      {"<a@b><c@d>", ""},
      {"<a@b>SIZE=1", ""},
      {"<a>b@c>", ""},
      {"<\"a> SIZE=1@b>", ""},
      // Octets that could inject a line, or end it.
      {"<a\tb@c>", ""},
      {"<a@b>\tSIZE=1", ""},
      {"<a\x01@b>", ""},
      {"<\"a\x01\"@b>", ""},
      {"<a@b\x7f>", ""},
      {"<a\x1b[2J@b>", ""},
  };
  return kRows;
}

// Returns the Return-Path: of a message from `path`; empty if MAIL is refused with 501 5.1.7.
std::string return_path_of(const std::string& path,
                           handoff::lmtp::SessionOptions options = plain_options()) {
  Dialogue dialogue(options);
  dialogue.send(hello());
  auto reply = codes(dialogue.send("MAIL FROM:" + path + "\r\n"));
  if (reply == "501 5.1.7") return "";
  BOOST_TEST(reply == "250 2.1.0");
  dialogue.send("RCPT TO:<a@x.example>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n");
  if (dialogue.messages.empty()) return "no message";
  const std::string kName = "Return-Path: ";
  auto trace = dialogue.last().trace();
  auto end = trace.find("\r\n");
  BOOST_TEST(trace.starts_with(kName));
  BOOST_TEST(trace.substr(end + 2).find("Return-Path") == trace.npos);
  return trace.substr(kName.size(), end - kName.size());
}

std::string reply_to_rcpt(const std::string& text,
                          handoff::lmtp::SessionOptions options = plain_options()) {
  Dialogue dialogue(options);
  dialogue.send(hello() + "MAIL FROM:<>\r\n");
  return codes(dialogue.send("RCPT " + text + "\r\n"));
}

std::string reply_to_mail(const std::string& text) {
  Dialogue dialogue;
  dialogue.send(hello());
  return codes(dialogue.send("MAIL " + text + "\r\n"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_path)

BOOST_AUTO_TEST_CASE(valid_paths_are_parsed_S3) {
  for (const auto& [text, local, domain] : good_paths()) {
    for (std::string rest : {"", " SIZE=1"}) {
      auto whole = text + rest;
      auto path = parse_path(whole, kRecipient);
      BOOST_CHECK_MESSAGE(path.fault == PathFault::kNone, text);
      BOOST_TEST(path.address.local == local);
      BOOST_TEST(path.address.domain == domain);
      BOOST_TEST(path.rest == rest);
      auto sender = parse_sender(whole);
      BOOST_REQUIRE_MESSAGE(sender, text);
      BOOST_TEST(sender->sender.valid);
      BOOST_TEST(sender->sender.text == (Address{local, domain}.text()));
      BOOST_TEST(sender->rest == rest);
    }
    BOOST_TEST(reply_to_mail("FROM:" + text) == "250 2.1.0", text);
    BOOST_TEST(reply_to_rcpt("TO:" + text) == "250 2.1.5", text);
  }
}

BOOST_AUTO_TEST_CASE(a_recipient_that_is_not_an_address_gets_501_S3) {
  for (const auto& text : bad_paths()) {
    BOOST_CHECK_MESSAGE(parse_path(text, kRecipient).fault == PathFault::kSyntax, escape(text));
    BOOST_TEST(reply_to_rcpt("TO:" + text) == "501 5.1.3", escape(text));
  }
}

// The queue manager has accepted the message, so refusing its sender would cause a bounce.
BOOST_AUTO_TEST_CASE(each_form_of_sender_has_its_return_path_S3_S9) {
  for (const auto& row : sender_rows()) {
    BOOST_TEST(escape(return_path_of(row.path)) == escape(row.return_path), escape(row.path));
  }
}

BOOST_AUTO_TEST_CASE(a_sender_ends_where_its_parameters_begin_S3_S5) {
  for (const auto& row : sender_rows()) {
    auto whole = row.path + " SIZE=1 BODY=8BITMIME";
    auto sender = parse_sender(whole);
    BOOST_TEST(sender.has_value() == !row.return_path.empty(), escape(row.path));
    if (sender) BOOST_TEST(sender->rest == " SIZE=1 BODY=8BITMIME", escape(row.path));
  }
}

// Whatever octets a sender contains, Return-Path: is one line and ends with its closing angle
// bracket.
BOOST_AUTO_TEST_CASE(no_octet_in_a_sender_injects_a_line_S3_S9) {
  for (int octet = 0; octet < 256; ++octet) {
    auto c = static_cast<char>(octet);
    for (std::string text : {std::string("<a") + c + "X: y@b>", std::string("<a@b") + c + "X: y>",
                             std::string("<\"a") + c + "\"@b>"}) {
      auto sender = parse_sender(text);
      BOOST_TEST(!(sender && handoff::is_control(c)), escape(text));
      if (!sender) continue;
      auto line = return_path_line(sender->sender);
      BOOST_TEST(line.find_first_of("\r\n") == line.size() - 2, escape(text));
      BOOST_TEST(line.ends_with(">\r\n"), escape(text));
    }
  }
}

// No part of a path can end the line or be hidden after a NUL.
BOOST_AUTO_TEST_CASE(control_octets_are_not_part_of_a_path_S3) {
  for (int octet = 0; octet < 256; ++octet) {
    auto c = static_cast<char>(octet);
    if (!handoff::is_control(c)) continue;
    for (std::string text :
         {std::string("<a") + c + "@b>", std::string("<\"a") + c + "\"@b>",
          std::string("<\"a\\") + c + "\"@b>", std::string("<a@b") + c + ">",
          std::string("<a@[192.0.2.1") + c + "]>", std::string("<a@[IPv6:::1") + c + "]>"}) {
      BOOST_CHECK_MESSAGE(parse_path(text, kRecipient).fault == PathFault::kSyntax, escape(text));
      BOOST_CHECK_MESSAGE(!parse_sender(text), escape(text));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_incomplete_path_is_not_a_path_S3) {
  for (const auto& good : good_paths()) {
    for (std::size_t n = 0; n < good.path.size(); ++n) {
      auto start = good.path.substr(0, n);
      BOOST_CHECK_MESSAGE(parse_path(start, kRecipient).fault == PathFault::kSyntax, start);
      BOOST_CHECK_MESSAGE(!parse_sender(start) || start.ends_with('>'), start);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_null_path_is_valid_as_sender_but_not_as_recipient_S3) {
  auto path = parse_sender("<> SIZE=1");
  BOOST_REQUIRE(path.has_value());
  BOOST_TEST(path->sender.null());
  BOOST_TEST(path->rest == " SIZE=1");
  BOOST_TEST(reply_to_mail("FROM:<>") == "250 2.1.0");
  BOOST_TEST(reply_to_rcpt("TO:<>") == "501 5.1.3");
}

BOOST_AUTO_TEST_CASE(postmaster_needs_no_domain_in_any_case_S3) {
  for (auto path : {"<postmaster>", "<Postmaster>", "<POSTMASTER>", "<pOsTmAsTeR>",
                    "<\"postmaster\">", "<@x.example:postmaster>"}) {
    BOOST_TEST(reply_to_rcpt("TO:" + std::string(path)) == "250 2.1.5", path);
  }
  for (auto path : {"<postmaster@>", "<postmasters>", "<postmaste>", "<post.master>", "<root>"}) {
    BOOST_TEST(reply_to_rcpt("TO:" + std::string(path)) == "501 5.1.3", path);
  }
}

BOOST_AUTO_TEST_CASE(other_local_parts_need_no_domain_if_there_is_a_default_S3) {
  auto options = plain_options();
  options.bare_local = true;
  BOOST_TEST(reply_to_rcpt("TO:<pat>", options) == "250 2.1.5");
  BOOST_TEST(reply_to_rcpt("TO:<\"p t\">", options) == "250 2.1.5");
  // The null path is not a recipient.
  for (auto path : {"<>", "<\"\">", "<pat@>", "<@x.example:\"\">"}) {
    BOOST_TEST(reply_to_rcpt("TO:" + std::string(path), options) == "501 5.1.3", path);
  }
}

BOOST_AUTO_TEST_CASE(one_blank_after_the_colon_is_tolerated_S3) {
  BOOST_TEST(reply_to_mail("FROM: <a@b>") == "250 2.1.0");
  BOOST_TEST(reply_to_mail("FROM: <> SIZE=1") == "250 2.1.0");
  BOOST_TEST(reply_to_rcpt("TO: <a@b>") == "250 2.1.5");
  for (auto text : {"FROM:  <a@b>", "FROM:\t<a@b>", "FROM :<a@b>", "FROM<a@b>", "FROM",
                    "FROM:", "TO:<a@b>", "<a@b>", "FROMX:<a@b>"}) {
    BOOST_TEST(reply_to_mail(text) == "501 5.1.7", text);
  }
  for (auto text : {"TO:  <a@b>", "TO :<a@b>", "TO<a@b>", "TO", "TO:", "FROM:<a@b>", "<a@b>"}) {
    BOOST_TEST(reply_to_rcpt(text) == "501 5.1.3", text);
  }
}

// protocol.lenient-addresses.
BOOST_AUTO_TEST_CASE(lenient_addresses_need_no_brackets_and_follow_any_blanks_S3) {
  auto lenient = plain_options();
  lenient.lenient_addresses = true;
  struct Row {
    std::string text;
    std::string return_path;
    std::string recipient;
  };
  for (const auto& row : std::vector<Row>{
           {"a@b", "<a@b>", "250 2.1.5"},
           {"<a@b>", "<a@b>", "250 2.1.5"},
           {"  <a@b>", "<a@b>", "250 2.1.5"},
           {"\t<a@b>", "<a@b>", "250 2.1.5"},
           {" \t a@b", "<a@b>", "250 2.1.5"},
           {"\"a b\"@c", "<\"a b\"@c>", "250 2.1.5"},
           {"a..b@c", "<\"a..b\"@c>", "250 2.1.5"},
           {"postmaster", "<postmaster>", "250 2.1.5"},
           {"root", "<root>", "501 5.1.3"},
           {"a@b-", "<a@b->", "250 2.1.5"},
           {"a=b@c", "<a=b@c>", "250 2.1.5"},
           {"<a@b", "", "501 5.1.3"},
           {"a@b>", "", "501 5.1.3"},
           {"SIZE=1", "", "501 5.1.3"},
           {"", "", "501 5.1.3"},
           {"a\x01@b", "", "501 5.1.3"},
           {"a@b\tSIZE=1", "", "501 5.1.3"},
       }) {
    BOOST_TEST(return_path_of(row.text, lenient) == row.return_path, escape(row.text));
    BOOST_TEST(reply_to_rcpt("TO:" + row.text, lenient) == row.recipient, escape(row.text));
  }
  Dialogue dialogue(lenient);
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send("MAIL FROM:a@b SIZE=1 BODY=8BITMIME\r\nRCPT TO:  a@x.example\r\n"
                                 "RCPT TO:b@x.example X=1\r\n")) ==
             "250 2.1.0, 250 2.1.5, 555 5.5.4");
  Dialogue named(lenient);
  named.send(hello());
  BOOST_TEST(codes(named.send("MAIL FROM:Pat <a@b>\r\n")) == "501 5.5.4");
}

// RFC 5321 4.5.3.1: limits should be avoided if possible. VERP and SRS make long senders, and
// mailing lists long subaddresses.
BOOST_AUTO_TEST_CASE(a_local_part_may_be_as_long_as_a_command_line_S4) {
  for (std::size_t size : {64u, 65u, 252u, 253u, 500u, 5000u, 12000u}) {
    BOOST_TEST(reply_to_mail("FROM:<" + x(size) + "@b>") == "250 2.1.0", size);
    BOOST_TEST(reply_to_mail("FROM:<" + x(size) + "@b> SIZE=100 BODY=8BITMIME") == "250 2.1.0");
    BOOST_TEST(reply_to_rcpt("TO:<" + x(size) + "@b>") == "250 2.1.5", size);
  }
  BOOST_TEST(reply_to_mail("FROM:<" + x(12300) + "@b>") == "500 5.5.2");
  BOOST_TEST(reply_to_rcpt("TO:<" + x(12300) + "@b>") == "500 5.5.2");
}

BOOST_AUTO_TEST_CASE(a_recipient_beyond_ascii_is_looked_up_without_smtputf8_S3_X7) {
  BOOST_TEST(reply_to_rcpt("TO:<\"\xc3\xbc\"@x.example>") == "250 2.1.5");
  BOOST_TEST(reply_to_rcpt("TO:<a@\xc3\xbc>") == "250 2.1.5");
}

BOOST_AUTO_TEST_CASE(a_recipient_whose_domain_cannot_be_in_the_dns_is_looked_up_S3) {
  for (const std::string& path :
       {std::string("<a@-b>"), std::string("<a@b->"), std::string("<a@b-.c>"),
        "<a@" + x(64) + ".example>", "<a@" + domain_of(256) + ">", "<a@" + x(5000) + ">"}) {
    BOOST_CHECK(parse_path(path, kRecipient).fault == PathFault::kSyntax);  // only for a sender
    BOOST_TEST(reply_to_rcpt("TO:" + path) == "250 2.1.5", path);
  }
}

BOOST_AUTO_TEST_CASE(an_address_for_vrfy_must_be_the_whole_text_S3_S6) {
  for (const auto& good : good_paths()) {
    auto inside = good.path.substr(1, good.path.size() - 2);
    if (inside.starts_with('@')) continue;
    auto path = parse_mailbox(inside, kRecipient);
    BOOST_CHECK_MESSAGE(path.fault == PathFault::kNone, inside);
    BOOST_TEST(path.address.local == good.local);
    BOOST_TEST(path.address.domain == good.domain);
  }
  for (auto text : {"", "a", "a@b ", " a@b", "a@b>", "<a@b", "a@b SIZE=1", "@b", "a@"}) {
    BOOST_CHECK_MESSAGE(parse_mailbox(text, kRecipient).fault == PathFault::kSyntax, text);
  }
}

BOOST_AUTO_TEST_CASE(an_address_is_written_in_a_form_that_can_be_parsed_S3) {
  for (const auto& good : good_paths()) {
    Address address{good.local, good.domain};
    auto path = parse_path("<" + address.text() + ">", kRecipient);
    BOOST_CHECK_MESSAGE(path.address == address, address.text());
  }
  // Every printable octet in every position of a local part.
  for (char c = ' '; c < 0x7f; ++c) {
    for (std::string local : {std::string(1, c), std::string("a") + c, std::string(1, c) + "a",
                              std::string("a") + c + "b", std::string(2, c)}) {
      Address address{local, "x.example"};
      auto path = parse_path("<" + address.text() + ">", kRecipient);
      BOOST_CHECK_MESSAGE(path.fault == PathFault::kNone && path.address == address,
                          address.text());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
