// CHUNKING, BINARYMIME, SMTPUTF8, DSN, LIMITS, RRVS, and Postfix's XFORWARD and XCLIENT, one by
// one. Other files test common behaviour.
#include <boost/test/unit_test.hpp>
#include <string>

#include "base/unicode.hh"
#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;
using handoff::knows_unicode;
using handoff::split;

namespace {

std::string start() { return hello() + envelope_of({kRcpt, "full@x.example"}); }

bool offers(const std::string& replies, const std::string& keyword) {
  return replies.find("-" + keyword + "\r\n") != replies.npos ||
         replies.find(" " + keyword + "\r\n") != replies.npos ||
         replies.find("-" + keyword + " ") != replies.npos ||
         replies.find("250 " + keyword + " ") != replies.npos;
}

SessionOptions with_dsn() {
  auto options = plain_options();
  options.dsn = true;
  return options;
}

SessionPeer trusted() {
  auto peer = plain_peer();
  peer.trusted = true;
  return peer;
}

// Returns the reply to MAIL FROM:<> with `parameters`.
std::string mail(const SessionOptions& options, const std::string& parameters,
                 const SessionPeer& peer = plain_peer()) {
  Dialogue dialogue(options, peer);
  dialogue.send(hello());
  return codes(dialogue.send("MAIL FROM:<> " + parameters + "\r\n"));
}

std::string rcpt(const SessionOptions& options, const std::string& parameters,
                 const SessionPeer& peer = plain_peer(), const std::string& address = kRcpt) {
  Dialogue dialogue(options, peer);
  dialogue.send(hello() + "MAIL FROM:<>" + (options.utf8 ? " SMTPUTF8" : "") + "\r\n");
  return codes(dialogue.send("RCPT TO:<" + address + "> " + parameters + "\r\n"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_extensions)

// CHUNKING.

BOOST_AUTO_TEST_CASE(chunks_of_any_size_are_one_message_X5_L7) {
  Dialogue dialogue;
  BOOST_TEST(offers(dialogue.send(hello()), "CHUNKING"));
  dialogue.send(envelope_of({kRcpt, "full@x.example"}));
  BOOST_TEST(codes(dialogue.send("BDAT 0\r\n")) == "250 2.0.0");
  BOOST_TEST(codes(dialogue.send("BDAT 1\r\n.")) == "250 2.0.0");
  BOOST_TEST(codes(dialogue.send("bdat 000007\r\n\r\n.\r\nab")) == "250 2.0.0");
  BOOST_TEST(codes(dialogue.send("BDAT 2 last\r\n\r\n")) == "250 2.0.0, 452 4.2.2");
  BOOST_TEST(dialogue.last().body() ==
             ".\r\n.\r\nab\r\n");  // no dot is removed from a chunk or ends it
}

BOOST_AUTO_TEST_CASE(an_empty_last_chunk_ends_a_message_and_may_be_all_of_it_X5_L7) {
  Dialogue dialogue;
  dialogue.send(start());
  BOOST_TEST(codes(dialogue.send("BDAT 3\r\nx\r\nBDAT 0 LAST\r\n")) ==
             "250 2.0.0, 250 2.0.0, 452 4.2.2");
  dialogue.send(envelope_of({kRcpt}));
  BOOST_TEST(codes(dialogue.send("BDAT 0 LAST\r\n")) == "250 2.0.0");
  BOOST_TEST(dialogue.last().body() == "");
}

BOOST_AUTO_TEST_CASE(data_after_a_chunk_gets_503_and_the_chunks_continue_X5) {
  Dialogue dialogue;
  dialogue.send(start() + "BDAT 2\r\nab");
  BOOST_TEST(codes(dialogue.send("DATA\r\nRCPT TO:<b@x.example>\r\nMAIL FROM:<>\r\n")) ==
             "503 5.5.1, 503 5.5.1, 503 5.5.1");
  BOOST_TEST(codes(dialogue.send("BDAT 2 LAST\r\ncd")) == "250 2.0.0, 452 4.2.2");
  BOOST_TEST(dialogue.last().body() == "abcd");
}

BOOST_AUTO_TEST_CASE(after_bdat_last_a_chunk_needs_a_new_transaction_X5) {
  Dialogue dialogue;
  dialogue.send(start() + "BDAT 2 LAST\r\nab");
  BOOST_TEST(codes(dialogue.send("BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")) ==
             "503 5.5.1, 503 5.5.1, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(an_invalid_size_gets_501_X5) {
  for (std::string size : {"", "x", "-1", "+1", "1.5", "0x1", "5x", "LAST", " LAST"}) {
    Dialogue dialogue;
    dialogue.send(start());
    BOOST_TEST(codes(dialogue.send("BDAT " + size + "\r\nNOOP\r\n")) == "501 5.5.4, 250 2.0.0",
               size);
  }
}

// A chunk of unknown size follows, so the session cannot continue.
BOOST_AUTO_TEST_CASE(a_chunk_size_that_overflows_gets_501_and_ends_the_session_X5) {
  Dialogue dialogue;
  dialogue.send(start());
  BOOST_TEST(codes(dialogue.send("BDAT 18446744073709551616\r\nNOOP\r\n")) == "501 5.5.4");
  BOOST_TEST(dialogue.closed);
  BOOST_TEST(dialogue.session().take_refusals().at(0).reply.one_line().starts_with("501 5.5.4"));
  BOOST_TEST(dialogue.session().gave_up());
}

// Whatever is wrong with the line or its position, the octets of the chunk are never taken as
// commands.
BOOST_AUTO_TEST_CASE(the_octets_of_a_refused_chunk_are_discarded_whatever_the_refusal_X5_S4) {
  const std::string evil = "RSET\r\nQUIT\r\n";
  auto long_line = "BDAT 12" + std::string(600, ' ') + "LAST\r\n";
  for (const auto& [line, code] :
       {std::pair(std::string("BDAT 12 LUST\r\n"), "501 5.5.4"),
        std::pair(std::string("BDAT 12 LAST LAST\r\n"), "501 5.5.4"),
        std::pair(std::string("BDAT 12\tLAST\r\n"), "501 5.5.4"),
        std::pair(std::string("BDAT 12 LAST\0\r\n", 15), "500 5.5.2"),
        std::pair(std::string("BDAT 12\rLAST\r\n"), "500 5.5.2"), std::pair(long_line, "500 5.5.2"),
        std::pair("BDAT 12 " + std::string(20000, 'x') + "\r\n", "500 5.5.2")}) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{100}, line.size() + 100}) {
      Dialogue dialogue;
      dialogue.send(start());
      BOOST_TEST(codes(dialogue.send_in_pieces(line + evil + "NOOP\r\n", piece)) ==
                     std::string(code) + ", 250 2.0.0",
                 handoff::escape(line.substr(0, 20)));
    }
  }
}

// RFC 3030 2: chunks that were sent after a refused one are discarded too.
BOOST_AUTO_TEST_CASE(if_a_chunk_is_refused_no_message_is_delivered_X5) {
  for (const auto& [bad, code] :
       {std::pair(std::string("BDAT 5 LUST\r\nworld"), "501 5.5.4"),
        std::pair(std::string("BDAT x\r\n"), "501 5.5.4"),
        std::pair(std::string("BDAT 5 LAST\0\r\nworld", 19), "500 5.5.2"),
        std::pair("BDAT 5 " + std::string(600, ' ') + "\r\nworld", "500 5.5.2")}) {
    for (std::string first : {"", "BDAT 5\r\nhello"}) {
      Dialogue dialogue;
      dialogue.send(start());
      std::string expected = first.empty() ? "" : "250 2.0.0, ";
      // The replies to the bad chunk, to the next one, and for two recipients.
      for (int i = 0; i < 4; ++i) expected += std::string(code) + ", ";
      expected += "250 2.0.0";
      BOOST_TEST(
          codes(dialogue.send(first + bad + "BDAT 1\r\n!BDAT 1 LAST\r\n?NOOP\r\n")) == expected,
          handoff::escape(bad.substr(0, 20)));
      BOOST_TEST((dialogue.messages.empty() || dialogue.last().dropped));
    }
  }
  Dialogue dialogue;
  dialogue.send("LHLO a.example\r\nMAIL FROM:<>\r\n");
  BOOST_TEST(codes(dialogue.send(
                 "BDAT 5\r\nhelloRCPT TO:<pat@example.org>\r\nBDAT 1 LAST\r\n!NOOP\r\n")) ==
             "503 5.5.1, 503 5.5.1, 250 2.0.0");
  BOOST_TEST(dialogue.messages.empty());
}

// A line that was too long to keep even its size.
BOOST_AUTO_TEST_CASE(a_chunk_of_unknown_size_ends_the_session_X5_S4) {
  for (std::string middle : {std::string(20000, ' ') + "12", std::string(20000, '0') + "12",
                             std::string(58, ' ') + "12" + std::string(20000, ' ')}) {
    for (std::size_t piece : {std::size_t{99}, std::size_t{100000}}) {
      Dialogue dialogue;
      dialogue.send(start());
      BOOST_TEST(codes(dialogue.send_in_pieces("BDAT " + middle + "\r\nRSET\r\nQUIT\r\n", piece)) ==
                 "500 5.5.2");
      BOOST_TEST(dialogue.closed);
    }
  }
}

BOOST_AUTO_TEST_CASE(rset_and_lhlo_between_chunks_discard_the_message_X5) {
  for (std::string command : {"RSET\r\n", "LHLO again.example\r\n"}) {
    Dialogue dialogue;
    dialogue.send(start() + "BDAT 2\r\nab");
    dialogue.send(command);
    BOOST_TEST(dialogue.last().dropped);
    BOOST_TEST(dialogue.last().copies.empty());
    BOOST_TEST(codes(dialogue.send("BDAT 2 LAST\r\ncdNOOP\r\n")) == "503 5.5.1, 250 2.0.0");
  }
}

BOOST_AUTO_TEST_CASE(after_a_failure_each_further_chunk_and_each_recipient_is_refused_X5_L7) {
  auto options = plain_options();
  options.max_message_size = 10;
  Dialogue large(options);
  large.send(start());
  BOOST_TEST(codes(large.send("BDAT 8\r\n12345678BDAT 8\r\n12345678BDAT 2\r\n12BDAT 0 LAST\r\n")) ==
             "250 2.0.0, 552 5.3.4, 552 5.3.4, 552 5.3.4, 552 5.3.4");
  Dialogue no_room;
  no_room.refuse_content = reply_to({ENOSPC, "open", ""});
  no_room.send(start());
  BOOST_TEST(codes(no_room.send("BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")) ==
             "452 4.3.1, 452 4.3.1, 452 4.3.1, 250 2.0.0");
  Dialogue full;
  full.fail_storing = 300;
  full.send(start());
  BOOST_TEST(codes(full.send("BDAT 2\r\nX:BDAT 400\r\n" + std::string(400, 'x') +
                             "BDAT 2 LAST\r\nabNOOP\r\n")) ==
             "250 2.0.0, 452 4.3.1, 452 4.3.1, 452 4.3.1, 250 2.0.0");
  BOOST_TEST(full.last().copies.empty());
}

// RFC 2033 4.3: no reply at all, so a client that waits for one would wait forever.
BOOST_AUTO_TEST_CASE(bdat_last_without_a_recipient_is_discarded_and_has_no_reply_L7) {
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\n")) == "250 2.1.0");
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n")) ==
             "250 2.1.0, 503 5.5.1");
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\nBDAT 0 LAST\r\nNOOP\r\n")) ==
             "250 2.1.0, 250 2.0.0");
  BOOST_TEST(dialogue.messages.empty());
}

// BINARYMIME.

BOOST_AUTO_TEST_CASE(binarymime_needs_bdat_X6) {
  Dialogue dialogue;
  BOOST_TEST(offers(dialogue.send(hello()), "BINARYMIME"));
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<> BODY=binarymime\r\nRCPT TO:<" + kRcpt +
                                 ">\r\nDATA\r\nBDAT 3 LAST\r\na\nb")) ==
             "250 2.1.0, 250 2.1.5, 503 5.5.1, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(binary_content_is_unchanged_even_if_bare_newlines_are_refused_X6) {
  std::string binary;
  for (int octet = 0; octet < 256; ++octet) binary += static_cast<char>(octet);
  binary += "\n.\n\r.\r\r\n.\r\n\n\r";
  auto options = plain_options();
  options.reject_bare_newlines = true;
  for (std::size_t piece : {1u, 7u, 1000u}) {
    Dialogue dialogue(options);
    dialogue.send(hello() + "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<" + kRcpt + ">\r\n");
    auto size = std::to_string(binary.size());
    BOOST_TEST(codes(dialogue.send_in_pieces(
                   "BDAT " + size + "\r\n" + binary + "BDAT " + size + " LAST\r\n" + binary,
                   piece)) == "250 2.0.0, 250 2.0.0");
    BOOST_TEST(dialogue.last().body() == binary + binary);
  }
  // Without BINARYMIME bare newlines are refused, in chunks too.
  Dialogue dialogue(options);
  dialogue.send(start());
  BOOST_TEST(codes(dialogue.send("BDAT 3 LAST\r\na\nb")) == "550 5.6.11, 550 5.6.11");
}

// SMTPUTF8.

BOOST_AUTO_TEST_CASE(smtputf8_permits_addresses_beyond_ascii_and_received_names_utf8_X7) {
  auto options = plain_options();
  options.utf8 = knows_unicode();
  Dialogue dialogue(options);
  BOOST_TEST(offers(dialogue.send(hello()), "SMTPUTF8") == knows_unicode());
  if (!knows_unicode()) {
    BOOST_TEST(codes(dialogue.send("MAIL FROM:<> SMTPUTF8\r\n")) == "555 5.5.4");
    return;
  }
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<m\xc3\xbcller@b\xc3\xbc"
                                 "cher.example> SMTPUTF8\r\n"
                                 "RCPT TO:<\xd0\xb8@x.example>\r\nDATA\r\n.\r\n")) ==
             "250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
  BOOST_TEST(dialogue.last().trace().find("with UTF8LMTP id") != std::string::npos);
  BOOST_TEST(dialogue.last().trace().find("for <\xd0\xb8@x.example>") != std::string::npos);
  // SMTPUTF8 applies to one transaction only.
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<a@x.example>\r\nRCPT TO:<\xd0\xb8@x.example>\r\n"
                                 "RCPT TO:<a@x.example>\r\nDATA\r\n.\r\n")) ==
             "250 2.1.0, 250 2.1.5, 250 2.1.5, 354, 250 2.0.0, 250 2.0.0");
  BOOST_TEST(dialogue.last().trace().find("with LMTP id") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_recipient_that_is_not_utf_8_or_has_no_domain_gets_501_X7) {
  auto options = plain_options();
  options.utf8 = true;
  if (!knows_unicode()) options.utf8 = false;
  for (std::string address :
       {"\xff@x.example", "a@\xff", "\xc3@x.example", "\"\xc0\x80\"@x.example",
        "a@\xe2\x99\xa5.example", "\xed\xa0\x80@x.example"}) {
    Dialogue dialogue(options);
    dialogue.send(hello());
    auto utf8 = options.utf8 ? " SMTPUTF8" : "";
    // A sender is accepted anyway; path_test checks its Return-Path:.
    BOOST_TEST(codes(dialogue.send("MAIL FROM:<" + address + ">" + utf8 + "\r\n")) == "250 2.1.0",
               handoff::escape(address));
    dialogue.send(std::string("RSET\r\nMAIL FROM:<>") + utf8 + "\r\n");
    BOOST_TEST(codes(dialogue.send("RCPT TO:<" + address + ">\r\n")) ==
                   (options.utf8 ? "501 5.1.3" : "250 2.1.5"),
               handoff::escape(address));
  }
}

BOOST_AUTO_TEST_CASE(smtputf8_has_no_value_and_is_accepted_by_vrfy_X7) {
  auto options = plain_options();
  options.utf8 = true;
  BOOST_TEST(mail(options, "SMTPUTF8=1") == "501 5.5.4");
  if (!knows_unicode()) return;
  Dialogue dialogue(options);
  BOOST_TEST(
      codes(dialogue.send("VRFY \xc3\xbc@x.example\r\nVRFY \xc3\xbc@x.example SMTPUTF8\r\n")) ==
      "553 5.6.7, 250 2.1.5");
}

// DSN.

BOOST_AUTO_TEST_CASE(dsn_is_offered_if_reports_can_be_sent_X8) {
  for (bool dsn : {false, true}) {
    auto options = plain_options();
    options.dsn = dsn;
    Dialogue dialogue(options);
    BOOST_TEST(offers(dialogue.send(hello()), "DSN") == dsn);
    BOOST_TEST(mail(options, "RET=HDRS") == (dsn ? "250 2.1.0" : "555 5.5.4"));
    BOOST_TEST(mail(options, "ENVID=x") == (dsn ? "250 2.1.0" : "555 5.5.4"));
    BOOST_TEST(rcpt(options, "NOTIFY=NEVER") == (dsn ? "250 2.1.5" : "555 5.5.4"));
    BOOST_TEST(rcpt(options, "ORCPT=rfc822;a@x") == (dsn ? "250 2.1.5" : "555 5.5.4"));
  }
}

BOOST_AUTO_TEST_CASE(the_values_of_dsn_parameters_are_checked_completely_X8) {
  auto options = with_dsn();
  for (std::string good : {"RET=FULL", "RET=hdrs", "ENVID=a", "ENVID=a+2Bb", "RET=FULL ENVID=x"}) {
    BOOST_TEST(mail(options, good) == "250 2.1.0", good);
  }
  for (std::string bad : {"RET", "RET=", "RET=ALL", "ENVID", "ENVID=a+2", "ENVID=a+2b",
                          "ENVID=a+0A", "ENVID=+80", "RET=FULL RET=FULL"}) {
    BOOST_TEST(mail(options, bad) == "501 5.5.4", bad);
  }
  BOOST_TEST(mail(options, "ENVID=" + std::string(100, 'x')) == "250 2.1.0");
  BOOST_TEST(mail(options, "ENVID=" + std::string(101, 'x')) == "501 5.5.4");
  for (std::string good :
       {"NOTIFY=NEVER", "NOTIFY=success", "NOTIFY=SUCCESS,FAILURE,DELAY", "ORCPT=rfc822;a+2Bb@x",
        "ORCPT=x400;a", "ORCPT=utf-8;a\\x{2B}b@x", "NOTIFY=DELAY ORCPT=rfc822;a@x"}) {
    BOOST_TEST(rcpt(options, good) == "250 2.1.5", good);
  }
  for (std::string bad :
       {"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,SUCCESS", "NOTIFY=SUCCESS,", "NOTIFY=,SUCCESS",
        "NOTIFY=ALWAYS", "ORCPT", "ORCPT=", "ORCPT=a@x", "ORCPT=;a@x", "ORCPT=rfc822;",
        "ORCPT=rfc822;a+b", "ORCPT=rfc822;a+0Db", "ORCPT=rfc822;+E9", "ORCPT=utf-8;a+2Bb@x",
        "ORCPT=utf-8;\\x{D800}", "ORCPT=r(c;a"}) {
    BOOST_TEST(rcpt(options, bad) == "501 5.5.4", bad);
  }
  BOOST_TEST(rcpt(options, "ORCPT=rfc822;" + std::string(493, 'x')) == "250 2.1.5");
  BOOST_TEST(rcpt(options, "ORCPT=rfc822;" + std::string(494, 'x')) == "501 5.5.4");
}

// RFC 6533: ORCPT may have the address type utf-8. Non-ASCII characters may be unescaped only in an
// SMTPUTF8 transaction.
BOOST_AUTO_TEST_CASE(orcpt_may_be_utf_8_X7_X8) {
  if (!knows_unicode()) {
    BOOST_TEST(rcpt(with_dsn(), "ORCPT=utf-8;\\x{E9}@x") == "501 5.5.4");
    return;
  }
  auto options = with_dsn();
  BOOST_TEST(rcpt(options, "ORCPT=utf-8;\\x{E9}@x") == "250 2.1.5");
  BOOST_TEST(rcpt(options, "ORCPT=utf-8;\xc3\xa9@x") == "501 5.5.4");
  options.utf8 = true;
  BOOST_TEST(rcpt(options, "ORCPT=utf-8;\xc3\xa9@x") == "250 2.1.5");
  BOOST_TEST(rcpt(options, "ORCPT=utf-8;\xff@x") == "501 5.5.4");
  BOOST_TEST(rcpt(options, "ORCPT=rfc822;\xc3\xa9@x") == "501 5.5.4");
}

// A queue manager passes on the address that the sender wrote; it is accepted only from trusted
// peers.
BOOST_AUTO_TEST_CASE(orcpt_of_a_trusted_peer_becomes_x_original_to_even_if_dsn_is_off_X8) {
  BOOST_TEST(rcpt(plain_options(), "ORCPT=rfc822;a@x") == "555 5.5.4");
  BOOST_TEST(rcpt(plain_options(), "NOTIFY=NEVER", trusted()) == "555 5.5.4");
  for (bool trust : {false, true}) {
    Dialogue dialogue(with_dsn(), trust ? trusted() : plain_peer());
    dialogue.send(hello() + "MAIL FROM:<>\r\nRCPT TO:<" + kRcpt +
                  "> ORCPT=rfc822;pat+2Bx@example.org\r\nDATA\r\n.\r\n");
    bool there =
        dialogue.last().trace().find("X-Original-To: pat+x@example.org\r\n") != std::string::npos;
    BOOST_TEST(there == trust);
  }
  Dialogue dialogue(plain_options(), trusted());
  dialogue.send(hello() + "MAIL FROM:<>\r\nRCPT TO:<" + kRcpt +
                "> ORCPT=rfc822;pat+2Bx@example.org\r\nDATA\r\n.\r\n");
  BOOST_TEST(dialogue.last().trace().find("X-Original-To: pat+x@example.org\r\n") !=
             std::string::npos);
  // Independent of the setting for Delivered-To.
  auto never = plain_options();
  never.delivered_to = handoff::DeliveredTo::kNever;
  Dialogue without(never, trusted());
  without.send(hello() + "MAIL FROM:<>\r\nRCPT TO:<" + kRcpt +
               "> ORCPT=rfc822;pat+2Bx@example.org\r\nDATA\r\n.\r\n");
  auto trace = without.last().trace();
  BOOST_TEST(trace.find("X-Original-To: pat+x@example.org\r\n") != std::string::npos);
  BOOST_TEST(trace.find("Delivered-To") == std::string::npos);
}

// LIMITS.

BOOST_AUTO_TEST_CASE(limits_announces_the_enforced_values_X9) {
  auto options = plain_options();
  options.max_recipients = 2;
  options.max_transactions = 2;
  Dialogue dialogue(options);
  auto said = dialogue.send(hello());
  BOOST_TEST(said.find("LIMITS RCPTMAX=2 MAILMAX=2\r\n") != std::string::npos);
  BOOST_TEST(codes(dialogue.send(envelope_of({"a@x.example", "b@x.example", "c@x.example"}) +
                                 "DATA\r\n.\r\n")) ==
             "250 2.1.0, 250 2.1.5, 250 2.1.5, 452 4.5.3, 354, 250 2.0.0, 250 2.0.0");
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n")) ==
             "250 2.1.0, 250 2.0.0, 421 4.3.2");
  BOOST_TEST(dialogue.closed);
  options.max_transactions = 0;
  Dialogue unlimited(options);
  BOOST_TEST(unlimited.send(hello()).find("MAILMAX") == std::string::npos);
}

// RRVS.

BOOST_AUTO_TEST_CASE(rrvs_is_offered_only_if_the_lookup_returns_owners_X12) {
  Dialogue dialogue;
  BOOST_TEST(!offers(dialogue.send(hello()), "RRVS"));
  BOOST_TEST(rcpt(plain_options(), "RRVS=2019-01-01T00:00:00Z") == "555 5.5.4");
  auto options = plain_options();
  options.rrvs = true;
  Dialogue knowing(options);
  BOOST_TEST(offers(knowing.send(hello()), "RRVS"));
}

BOOST_AUTO_TEST_CASE(a_mailbox_with_a_newer_owner_gets_550_5_7_17_X12) {
  auto options = plain_options();
  options.rrvs = true;
  auto since2020 = [&](const std::string& value) {
    return rcpt(options, "RRVS=" + value, plain_peer(), "since2020@x.example");
  };
  BOOST_TEST(since2020("2019-12-31T23:59:59Z") == "550 5.7.17");
  BOOST_TEST(since2020("2020-01-01T00:00:00Z") == "250 2.1.5");
  BOOST_TEST(since2020("2020-01-01T00:30:00+01:00;C") == "550 5.7.17");
  BOOST_TEST(since2020("2021-01-01T00:00:00Z;R") == "250 2.1.5");
  for (std::string bad : {"", "2019", "2019-12-31T23:59:59Z;", "2019-12-31T23:59:59Z;X",
                          "2019-12-31T23:59:59Z;C;R"}) {
    BOOST_TEST(since2020(bad) == "501 5.5.4", bad);
  }
  // If the lookup does not know the date for this recipient, nothing is compared.
  BOOST_TEST(rcpt(options, "RRVS=1990-01-01T00:00:00Z") == "250 2.1.5");
}

// XFORWARD and XCLIENT.

BOOST_AUTO_TEST_CASE(untrusted_peers_are_not_offered_xforward_and_xclient_and_get_550_L11) {
  Dialogue dialogue;
  auto said = dialogue.send(hello());
  BOOST_TEST(said.find("XFORWARD") == std::string::npos);
  BOOST_TEST(said.find("XCLIENT") == std::string::npos);
  BOOST_TEST(codes(dialogue.send("XFORWARD NAME=x\r\nXCLIENT NAME=x\r\n")) ==
             "550 5.7.0, 550 5.7.0");
  dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n");
  BOOST_TEST(dialogue.last().trace().find("from client.example ([192.0.2.1])") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(xforward_names_the_client_of_one_message_S9) {
  Dialogue dialogue(plain_options(), trusted());
  auto said = dialogue.send(hello());
  BOOST_TEST(offers(said, "XFORWARD"));
  BOOST_TEST(offers(said, "XCLIENT"));
  BOOST_TEST(codes(dialogue.send(
                 "XFORWARD NAME=mx.example.net ADDR=2001:db8::1 PORT=1\r\n"
                 "xforward helo=there.example PROTO=ESMTP IDENT=Q+2B1 SOURCE=REMOTE\r\n")) ==
             "250 2.0.0, 250 2.0.0");
  BOOST_TEST(dialogue.session().forwarded().ident == "Q+1");
  dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n");
  BOOST_TEST(dialogue.last().trace().find(
                 "Received: from there.example (mx.example.net [IPv6:2001:db8::1])\r\n") !=
             std::string::npos);
  dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n");
  BOOST_TEST(dialogue.last().trace().find("from client.example ([192.0.2.1])") !=
             std::string::npos);
}

// Postfix passes on the client's data unchanged.
BOOST_AUTO_TEST_CASE(received_has_the_clients_address_whatever_its_helo_was_S9) {
  struct Row {
    std::string sent, received;
  };
  for (const auto& [sent, received] : {Row{"[10.0.0.1]", "[10.0.0.1]"},
                                       {"my+20pc+3B+28x", "my?pc??x"},
                                       {"+0D+0AEvil:", "??Evil:"},
                                       {"+C3+BC", "??"},
                                       {"[UNAVAILABLE]", "client.example"},
                                       {"[tempunavail]", "client.example"}}) {
    Dialogue dialogue(plain_options(), trusted());
    BOOST_TEST(codes(dialogue.send(hello() + "XFORWARD ADDR=192.0.2.9 HELO=" + sent +
                                   " IDENT=" + sent + "\r\n")) == "250, 250 2.0.0");
    dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n");
    BOOST_TEST(dialogue.last().trace().find("Received: from " + received + " ([192.0.2.9])\r\n") !=
                   std::string::npos,
               dialogue.last().trace());
  }
}

BOOST_AUTO_TEST_CASE(xclient_starts_a_new_session_for_the_named_client_S9) {
  Dialogue dialogue(plain_options(), trusted());
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send("XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.9 HELO=h.example\r\n"
                                 "MAIL FROM:<>\r\n")) == "220, 503 5.5.1");
  for (int message = 0; message < 2; ++message) {
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n.\r\n");
    BOOST_TEST(dialogue.last().trace().find("from h.example ([192.0.2.9])") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(xforward_of_one_message_does_not_affect_xclient_S9) {
  Dialogue dialogue(plain_options(), trusted());
  dialogue.send(hello());
  dialogue.send("XCLIENT ADDR=192.0.2.9 HELO=h.example\r\n" + hello() +
                "XFORWARD ADDR=203.0.113.5 HELO=other.example\r\n");
  for (const char* from : {"from other.example ([203.0.113.5])", "from h.example ([192.0.2.9])"}) {
    dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n");
    BOOST_TEST(dialogue.last().trace().find(from) != std::string::npos, from);
  }
}

BOOST_AUTO_TEST_CASE(invalid_attributes_change_nothing_S5) {
  Dialogue dialogue(plain_options(), trusted());
  dialogue.send(hello());
  for (std::string bad : {"NAME", "NAME=+", "NAME=a(b", "NAME=a+20b", "NAME=+0D+0A", "FOO=x", "=x",
                          "ADDR=1 NAME", "LOGIN=x", "NAME=+E9"}) {
    BOOST_TEST(codes(dialogue.send("XFORWARD ADDR=192.0.2.66 " + bad + "\r\n")) == "501 5.5.4",
               bad);
  }
  BOOST_TEST(codes(dialogue.send("XFORWARD NAME=" + std::string(256, 'x') + "\r\n")) ==
             "501 5.5.4");
  BOOST_TEST(
      codes(dialogue.send("XFORWARD\r\nMAIL FROM:<>\r\nXFORWARD NAME=x\r\nXCLIENT NAME=x\r\n")) ==
      "501 5.5.4, 250 2.1.0, 503 5.5.1, 503 5.5.1");
  dialogue.send("RCPT TO:<" + kRcpt + ">\r\nDATA\r\n.\r\n");
  BOOST_TEST(dialogue.last().trace().find("from client.example ([192.0.2.1])") !=
             std::string::npos);
}

// RFC 3848, RFC 6531 4.3.
BOOST_AUTO_TEST_CASE(received_names_the_protocol_with_tls_auth_and_utf8_S9_X7_X10_X11) {
  for (bool tls : {false, true}) {
    for (bool auth : {false, true}) {
      for (bool utf8 : {false, true}) {
        if (utf8 && !knows_unicode()) continue;
        auto options = plain_options();
        options.utf8 = true;
        auto peer = plain_peer();
        peer.tls = tls;
        peer.mechanisms = "PLAIN";
        Dialogue dialogue(options, peer);
        dialogue.send(hello());
        if (auth) BOOST_TEST(codes(dialogue.send("AUTH PLAIN Z29vZA==\r\n")) == "235 2.7.0");
        dialogue.send(std::string("MAIL FROM:<>") + (utf8 ? " SMTPUTF8" : "") + "\r\nRCPT TO:<" +
                      kRcpt + ">\r\nDATA\r\n.\r\n");
        auto word = std::string(utf8 ? "UTF8" : "") + "LMTP" + (tls ? "S" : "") + (auth ? "A" : "");
        BOOST_TEST(dialogue.last().trace().find(" with " + word + " id ") != std::string::npos,
                   word);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
