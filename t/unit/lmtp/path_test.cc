// The grammar of paths, and that an address is written as it can be read again.
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

// A domain of n octets (n >= 60).
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
      "<.a@b>",
      "<a.@b>",
      "<a..b@c>",
      "<a@.b>",
      "<a@b.>",
      "<a@b..c>",
      "<a@-b>",
      "<a@b->",
      "<a@b-.c>",
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
      "<a@" + x(64) + ".example>",
      "<a@" + domain_of(253) + ">",
      "<@" + domain_of(240) + ":a@x.example.org>",
  };
  return kBad;
}

// As MAIL and as RCPT.
constexpr PathRules kSender{.null_allowed = true};
constexpr PathRules kRecipient{.max_local = 64};

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

BOOST_AUTO_TEST_CASE(good_paths_are_read_S3) {
  for (const auto& [text, local, domain] : good_paths()) {
    for (auto rules : {kSender, kRecipient}) {
      for (std::string rest : {"", " SIZE=1"}) {
        auto whole = text + rest;
        auto path = parse_path(whole, rules);
        BOOST_CHECK_MESSAGE(path.fault == PathFault::kNone, text);
        BOOST_TEST(path.address.local == local);
        BOOST_TEST(path.address.domain == domain);
        BOOST_TEST(path.rest == rest);
      }
    }
    BOOST_TEST(reply_to_mail("FROM:" + text) == "250 2.1.0", text);
    BOOST_TEST(reply_to_rcpt("TO:" + text) == "250 2.1.5", text);
  }
}

BOOST_AUTO_TEST_CASE(bad_paths_are_501_S3) {
  for (const auto& text : bad_paths()) {
    for (auto rules : {kSender, kRecipient}) {
      BOOST_CHECK_MESSAGE(parse_path(text, rules).fault == PathFault::kSyntax, escape(text));
    }
    BOOST_TEST(reply_to_mail("FROM:" + text) == "501 5.1.7", escape(text));
    BOOST_TEST(reply_to_rcpt("TO:" + text) == "501 5.1.3", escape(text));
  }
}

// Nothing in a path can end the line or hide behind a NUL.
BOOST_AUTO_TEST_CASE(control_octets_are_no_part_of_a_path_S3) {
  for (int octet = 0; octet < 256; ++octet) {
    auto c = static_cast<char>(octet);
    if (!handoff::is_control(c)) continue;
    for (std::string text :
         {std::string("<a") + c + "@b>", std::string("<\"a") + c + "\"@b>",
          std::string("<\"a\\") + c + "\"@b>", std::string("<a@b") + c + ">",
          std::string("<a@[192.0.2.1") + c + "]>", std::string("<a@[IPv6:::1") + c + "]>"}) {
      BOOST_CHECK_MESSAGE(parse_path(text, kSender).fault == PathFault::kSyntax, escape(text));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_start_of_a_path_is_a_path_S3) {
  for (const auto& good : good_paths()) {
    for (std::size_t n = 0; n < good.path.size(); ++n) {
      auto start = good.path.substr(0, n);
      BOOST_CHECK_MESSAGE(parse_path(start, kSender).fault == PathFault::kSyntax, start);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_null_path_is_a_sender_and_no_recipient_S3) {
  auto path = parse_path("<> SIZE=1", kSender);
  BOOST_CHECK(path.fault == PathFault::kNone);
  BOOST_TEST(path.address.null());
  BOOST_TEST(path.rest == " SIZE=1");
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

BOOST_AUTO_TEST_CASE(other_local_parts_need_no_domain_where_there_is_a_default_one_S3) {
  auto options = plain_options();
  options.bare_local = true;
  BOOST_TEST(reply_to_rcpt("TO:<pat>", options) == "250 2.1.5");
  BOOST_TEST(reply_to_rcpt("TO:<\"p t\">", options) == "250 2.1.5");
  // Nobody is no recipient.
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

BOOST_AUTO_TEST_CASE(a_recipients_local_part_has_64_octets_at_most_S3_S4) {
  BOOST_TEST(reply_to_rcpt("TO:<" + x(64) + "@b>") == "250 2.1.5");
  BOOST_TEST(reply_to_rcpt("TO:<" + x(65) + "@b>") == "501 5.1.3");
  BOOST_TEST(reply_to_rcpt("TO:<\"" + x(65) + "\"@b>") == "501 5.1.3");
}

// RFC 5321 4.5.3.1: no limit where it can be helped; VERP and SRS make long ones.
BOOST_AUTO_TEST_CASE(a_senders_local_part_may_be_longer_S4) {
  BOOST_TEST(reply_to_mail("FROM:<" + x(65) + "@b>") == "250 2.1.0");
  BOOST_TEST(reply_to_mail("FROM:<" + x(252) + "@b>") == "250 2.1.0");
  BOOST_TEST(reply_to_mail("FROM:<" + x(253) + "@b>") == "501 5.1.7");
}

BOOST_AUTO_TEST_CASE(an_address_beyond_ascii_is_553_without_smtputf8_S3_X7) {
  BOOST_TEST(reply_to_mail("FROM:<\xc3\xbc@x.example>") == "553 5.6.7");
  BOOST_TEST(reply_to_mail("FROM:<a@b\xc3\xbc.example>") == "553 5.6.7");
  BOOST_TEST(reply_to_rcpt("TO:<\"\xc3\xbc\"@x.example>") == "553 5.6.7");
  BOOST_TEST(reply_to_rcpt("TO:<a@\xc3\xbc>") == "553 5.6.7");
}

BOOST_AUTO_TEST_CASE(a_mailbox_is_the_whole_text_S3_S6) {
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

BOOST_AUTO_TEST_CASE(an_address_is_written_as_it_can_be_read_again_S3) {
  for (const auto& good : good_paths()) {
    Address address{good.local, good.domain};
    auto path = parse_path("<" + address.text() + ">", kSender);
    BOOST_CHECK_MESSAGE(path.address == address, address.text());
  }
  // Every printable octet, in every place of a local part.
  for (char c = ' '; c < 0x7f; ++c) {
    for (std::string local : {std::string(1, c), std::string("a") + c, std::string(1, c) + "a",
                              std::string("a") + c + "b", std::string(2, c)}) {
      Address address{local, "x.example"};
      auto path = parse_path("<" + address.text() + ">", kSender);
      BOOST_CHECK_MESSAGE(path.fault == PathFault::kNone && path.address == address,
                          address.text());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
