// The order of things in a session: verbs, transactions, replies.
#include "lmtp/session.hh"

#include <boost/test/unit_test.hpp>

#include "lmtp/command.hh"
#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;

namespace {

// Codes of the replies to `input` after LHLO.
std::string codes_after_hello(std::string_view input) {
  Dialogue dialogue;
  dialogue.send(hello());
  return codes(dialogue.send(input));
}

// The reply to one command after LHLO.
std::string reply_to_command(std::string_view command) {
  return codes_after_hello(std::string(command) + "\r\n");
}

const std::string kOne = envelope_of({"pat@example.org"});
const std::string kText = "DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_session)

BOOST_AUTO_TEST_CASE(helo_and_ehlo_are_500_L1) {
  for (auto command : {"HELO a.example", "EHLO a.example", "EHLO", "helo", "Ehlo a"}) {
    Dialogue dialogue;
    BOOST_TEST(codes(dialogue.send(std::string(command) + "\r\n")) == "500 5.5.1", command);
    BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\n")) == "503 5.5.1", command);
  }
}

BOOST_AUTO_TEST_CASE(lhlo_without_an_argument_is_501_L1) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("LHLO\r\nLHLO \r\n")) == "501 5.5.4, 501 5.5.4");
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\n")) == "503 5.5.1");
}

BOOST_AUTO_TEST_CASE(lhlo_with_what_would_break_a_received_line_is_501_L1_S9) {
  for (auto name :
       {"a b", "a(b", "a)b", "<a>", "a;b", "\"a\"", "a\\b", "a\tb", "a\x01", "b\xc3\xbc"}) {
    Dialogue dialogue;
    BOOST_TEST(codes(dialogue.send("LHLO " + std::string(name) + "\r\n")) == "501 5.5.4", name);
  }
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("LHLO [IPv6:2001:db8::1]\r\n")) == "250");
}

BOOST_AUTO_TEST_CASE(greeting_and_lhlo_carry_no_enhanced_code_and_a_keyword_a_line_L2_L9_X4_X9) {
  auto options = plain_options();
  options.max_message_size = 12345;
  Dialogue dialogue(options);
  BOOST_TEST(dialogue.replies == "220 mx.example.org LMTP handoff ready\r\n");
  BOOST_TEST(dialogue.send(hello()) ==
             "250-mx.example.org\r\n"
             "250-PIPELINING\r\n"
             "250-ENHANCEDSTATUSCODES\r\n"
             "250-8BITMIME\r\n"
             "250-SIZE 12345\r\n"
             "250-CHUNKING\r\n"
             "250-BINARYMIME\r\n"
             "250 LIMITS RCPTMAX=1000\r\n");
}

BOOST_AUTO_TEST_CASE(lhlo_may_be_repeated_and_resets_the_transaction_L2) {
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send(kOne + "LHLO other.example\r\nDATA\r\n" + kOne)) ==
             "250 2.1.0, 250 2.1.5, 250, 503 5.5.1, 250 2.1.0, 250 2.1.5");
  // A refused one changes nothing.
  BOOST_TEST(codes(dialogue.send("LHLO\r\nLHLO a b\r\n" + kText)) ==
             "501 5.5.4, 501 5.5.4, 354, 250 2.0.0");
  BOOST_TEST(dialogue.last().recipients.size() == 1u);
  BOOST_TEST(dialogue.last().trace().find("from other.example ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(data_without_rcpt_is_503_L3) {
  BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nDATA\r\n") == "250 2.1.0, 503 5.5.1");
}

BOOST_AUTO_TEST_CASE(data_pipelined_behind_refused_rcpts_is_503_L3) {
  BOOST_TEST(codes_after_hello(envelope_of({"unknown@a.example", "broken@a.example"}) +
                               "RCPT TO:<>\r\nDATA\r\nRSET\r\n") ==
             "250 2.1.0, 550 5.1.1, 451 4.3.0, 501 5.1.3, 503 5.5.1, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(after_a_refused_data_the_transaction_goes_on_L3) {
  BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nDATA\r\nRCPT TO:<pat@example.org>\r\n" + kText) ==
             "250 2.1.0, 503 5.5.1, 250 2.1.5, 354, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(after_the_data_each_rcpt_has_one_reply_in_its_order_L4_L6) {
  for (bool backwards : {false, true}) {
    Dialogue dialogue;
    dialogue.backwards = backwards;
    dialogue.send(hello() + envelope_of({"a@x.example", "unknown@x.example", "full@x.example",
                                         "b@x.example"}));
    BOOST_TEST(dialogue.send(kText) ==
               "354 end with <CRLF>.<CRLF>\r\n"
               "250 2.0.0 <a@x.example> delivered\r\n"
               "452 4.2.2 the mailbox is over its disk quota\r\n"
               "250 2.0.0 <b@x.example> delivered\r\n");
    BOOST_TEST(dialogue.last().copies.size() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_mailbox_named_twice_gets_one_copy_and_two_equal_replies_L4) {
  Dialogue dialogue;
  dialogue.send(hello() + envelope_of({"a@x.example", "b@x.example", "A@X.example",
                                       "full@x.example", "a@x.example", "full@x.example"}));
  BOOST_TEST(dialogue.send(kText) ==
             "354 end with <CRLF>.<CRLF>\r\n"
             "250 2.0.0 <a@x.example> delivered\r\n"
             "250 2.0.0 <b@x.example> delivered\r\n"
             "250 2.0.0 <a@x.example> delivered\r\n"
             "452 4.2.2 the mailbox is over its disk quota\r\n"
             "250 2.0.0 <a@x.example> delivered\r\n"
             "452 4.2.2 the mailbox is over its disk quota\r\n");
  BOOST_TEST(dialogue.last().copies.size() == 2u);
  BOOST_TEST(dialogue.last().recipients.size() == 6u);
}

BOOST_AUTO_TEST_CASE(a_reply_is_there_as_soon_as_those_before_it_are_known_L10) {
  auto rcpts = hello() + envelope_of({"a@x.example", "b@x.example", "a@x.example", "c@x.example"});
  Dialogue forwards;
  forwards.send(rcpts + kText);
  auto& seen = forwards.at_settle;
  BOOST_TEST(seen.size() == 3u);
  BOOST_TEST(codes(seen.at(0)).ends_with("354, 250 2.0.0"));
  BOOST_TEST(seen.at(1).ends_with("<a@x.example> delivered\r\n"));
  BOOST_TEST(codes(seen.at(1)).ends_with("354, 250 2.0.0, 250 2.0.0, 250 2.0.0"));
  BOOST_TEST(seen.at(2).ends_with("<c@x.example> delivered\r\n"));

  Dialogue backwards;
  backwards.backwards = true;
  backwards.send(rcpts + kText);
  BOOST_TEST(codes(backwards.at_settle.at(0)).ends_with("354"));
  BOOST_TEST(codes(backwards.at_settle.at(1)).ends_with("354"));
  BOOST_TEST(backwards.at_settle.at(2) == seen.at(2));
}

BOOST_AUTO_TEST_CASE(a_transaction_ends_with_its_last_reply_and_the_next_may_begin_L4) {
  Dialogue dialogue;
  dialogue.send(hello());
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(codes(dialogue.send(kOne + kText)) == "250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
    BOOST_TEST(!dialogue.session().in_transaction());
    BOOST_TEST(codes(dialogue.send("RCPT TO:<a@x.example>\r\nDATA\r\n")) == "503 5.5.1, 503 5.5.1");
  }
  BOOST_TEST(dialogue.messages.size() == 3u);
  BOOST_CHECK(dialogue.messages[0] == dialogue.messages[2]);
}

BOOST_AUTO_TEST_CASE(commands_are_taken_in_any_case_with_blanks_at_their_end_S1) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("lhlo x\r\nMail from:<>  \r\nRcPt To:<a@x.example>\t \r\n"
                                 "nOOP \r\nrset\t\r\nQuit  \r\n")) ==
             "250, 250 2.1.0, 250 2.1.5, 250 2.0.0, 250 2.0.0, 221 2.0.0");
  BOOST_TEST(dialogue.closed);
}

BOOST_AUTO_TEST_CASE(commands_out_of_order_are_503_S2) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n")) ==
             "503 5.5.1, 503 5.5.1, 503 5.5.1");
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send("RCPT TO:<a@x.example>\r\nDATA\r\n")) == "503 5.5.1, 503 5.5.1");
  BOOST_TEST(codes(dialogue.send(kOne + "MAIL FROM:<other@x.example>\r\n" + kText)) ==
             "250 2.1.0, 250 2.1.5, 503 5.5.1, 354, 250 2.0.0");
  BOOST_TEST(dialogue.last().sender == "sender@example.net");
}

BOOST_AUTO_TEST_CASE(a_refused_mail_opens_no_transaction_S2) {
  for (auto mail : {"MAIL FROM:<noroom@x.example>", "MAIL FROM:<bad", "MAIL FROM:<> FOO=1"}) {
    Dialogue dialogue;
    dialogue.send(hello() + mail + "\r\n");
    BOOST_TEST(!dialogue.session().in_transaction(), mail);
    BOOST_TEST(codes(dialogue.send("RCPT TO:<a@x.example>\r\n" + kOne)) ==
               "503 5.5.1, 250 2.1.0, 250 2.1.5");
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_parameter_is_555_S5) {
  BOOST_TEST(reply_to_command("MAIL FROM:<> FOO") == "555 5.5.4");
  BOOST_TEST(reply_to_command("MAIL FROM:<> SIZE=1 FOO=bar") == "555 5.5.4");
  BOOST_TEST(reply_to_command("MAIL FROM:<> RET=FULL") == "555 5.5.4");
  BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nRCPT TO:<a@x.example> FOO\r\n"
                               "RCPT TO:<a@x.example> SIZE=1\r\nDATA\r\n") ==
             "250 2.1.0, 555 5.5.4, 555 5.5.4, 503 5.5.1");
}

BOOST_AUTO_TEST_CASE(a_repeated_or_malformed_parameter_is_501_S5_X3_X4) {
  for (auto parameters : {"SIZE=1 SIZE=1",
                          "SIZE=1 size=2",
                          "BODY=7BIT Body=8BITMIME",
                          "SIZE",
                          "SIZE=",
                          "SIZE=abc",
                          "SIZE=-1",
                          "SIZE=+1",
                          "SIZE=1k",
                          "SIZE=0x1",
                          "SIZE=1=2",
                          "SIZE==1",
                          "SIZE=123456789012345678901",
                          "BODY",
                          "BODY=",
                          "BODY=9BIT",

                          "=1",
                          "-X=1",
                          "F_O=1",
                          "FOO=",
                          "FOO FOO"}) {
    BOOST_TEST(reply_to_command("MAIL FROM:<> " + std::string(parameters)) == "501 5.5.4",
               parameters);
  }
  for (auto parameters : {"FOO=", "FOO=1 FOO=1", "-", "A=B=C"}) {
    BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nRCPT TO:<a@x.example> " +
                                 std::string(parameters) + "\r\n") == "250 2.1.0, 501 5.5.4",
               parameters);
  }
}

BOOST_AUTO_TEST_CASE(parameters_are_taken_in_any_case_and_order_S5_X3_X4) {
  for (auto parameters : {"SIZE=0", "size=1000 body=8bitmime",
                          "BODY=7BIT  SIZE=00000000000000000001", "Body=8BitMime", ""}) {
    BOOST_TEST(reply_to_command("MAIL FROM:<> " + std::string(parameters)) == "250 2.1.0",
               parameters);
  }
}

BOOST_AUTO_TEST_CASE(noop_and_help_take_any_argument_S6) {
  BOOST_TEST(codes_after_hello("NOOP\r\nNOOP a b\r\nHELP\r\nHELP DATA\r\n") ==
             "250 2.0.0, 250 2.0.0, 214 2.0.0, 214 2.0.0");
}

BOOST_AUTO_TEST_CASE(verbs_are_allowed_before_lhlo_that_need_none_S6) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("NOOP\r\nRSET\r\nHELP\r\nVRFY a@x.example\r\nQUIT\r\n")) ==
             "250 2.0.0, 250 2.0.0, 214 2.0.0, 250 2.1.5, 221 2.0.0");
}

BOOST_AUTO_TEST_CASE(rset_ends_the_transaction_S6) {
  BOOST_TEST(codes_after_hello(kOne + "RSET\r\nDATA\r\n" + kOne) ==
             "250 2.1.0, 250 2.1.5, 250 2.0.0, 503 5.5.1, 250 2.1.0, 250 2.1.5");
}

BOOST_AUTO_TEST_CASE(quit_closes_and_nothing_after_it_is_run_S6) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send(hello() + kOne + "QUIT\r\n" + kText)) ==
             "250, 250 2.1.0, 250 2.1.5, 221 2.0.0");
  BOOST_TEST(dialogue.closed);
  BOOST_TEST(dialogue.messages.empty());
}

BOOST_AUTO_TEST_CASE(vrfy_answers_as_rcpt_would_S6) {
  BOOST_TEST(reply_to_command("VRFY pat@x.example") == "250 2.1.5");
  BOOST_TEST(reply_to_command("VRFY <pat@x.example>") == "250 2.1.5");
  BOOST_TEST(reply_to_command("VRFY postmaster") == "250 2.1.5");
  BOOST_TEST(reply_to_command("VRFY unknown@x.example") == "550 5.1.1");
  BOOST_TEST(reply_to_command("VRFY broken@x.example") == "451 4.3.0");
  BOOST_TEST(reply_to_command("VRFY maybe@x.example") == "252 2.1.5");
  BOOST_TEST(reply_to_command("VRFY pat@") == "501 5.1.3");
  BOOST_TEST(reply_to_command("VRFY <pat@x.example> FOO") == "501 5.1.3");
  BOOST_TEST(reply_to_command("VRFY pat@x.example FOO") == "501 5.1.3");
  BOOST_TEST(reply_to_command("VRFY") == "501 5.5.4");
}

BOOST_AUTO_TEST_CASE(vrfy_adds_no_recipient_S6) {
  BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nVRFY pat@x.example\r\nDATA\r\n") ==
             "250 2.1.0, 250 2.1.5, 503 5.5.1");
}

BOOST_AUTO_TEST_CASE(expn_is_502_and_an_unknown_verb_500_S6) {
  BOOST_TEST(reply_to_command("EXPN list") == "502 5.5.1");
  BOOST_TEST(reply_to_command("EXPN") == "502 5.5.1");
  for (auto command :
       {"", " ", "FOO", "FOO bar", "MAILX", "TURN", " NOOP", "\tNOOP", "MAIL\tFROM:<>", "RSETX"}) {
    BOOST_TEST(reply_to_command(command) == "500 5.5.1", "\"" << command << "\"");
  }
}

BOOST_AUTO_TEST_CASE(an_argument_where_none_belongs_is_501_S6) {
  Dialogue dialogue;
  dialogue.send(hello() + kOne);
  BOOST_TEST(codes(dialogue.send("RSET x\r\nQUIT x\r\nDATA x\r\n")) ==
             "501 5.5.4, 501 5.5.4, 501 5.5.4");
  BOOST_TEST(codes(dialogue.send(kText)) == "354, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(a_missing_argument_is_501_with_the_syntax_S6) {
  for (const auto& command : CommandTable::all()) {
    if (command.argument != Argument::kRequired) continue;
    Dialogue dialogue;
    auto reply = dialogue.send(std::string(command.verb) + "\r\n");
    BOOST_TEST(reply == "501 5.5.4 syntax: " + std::string(command.syntax) + "\r\n");
  }
}

BOOST_AUTO_TEST_CASE(help_on_a_verb_is_its_syntax_S6) {
  Dialogue dialogue;
  BOOST_TEST(dialogue.send("HELP mail\r\n") ==
             "214 2.0.0 syntax: MAIL FROM:<address> [parameters]\r\n");
  BOOST_TEST(dialogue.send("HELP BDAT\r\n") == "214 2.0.0 syntax: BDAT octets [LAST]\r\n");
  BOOST_TEST(dialogue.send("HELP EHLO\r\n") == dialogue.send("HELP\r\n"));
  BOOST_TEST(dialogue.send("HELP XCLIENT\r\n") == dialogue.send("HELP\r\n"));
}

BOOST_AUTO_TEST_CASE(help_names_every_verb_that_is_taken_S6) {
  Dialogue dialogue;
  auto help = dialogue.send("HELP\r\n");
  for (const auto& command : CommandTable::all()) {
    // The rest is refused, or is for peers who have been told of it by LHLO.
    static const std::vector<std::string_view> kUnnamed{"HELO", "EHLO",     "EXPN",   "STARTTLS",
                                                        "AUTH", "XFORWARD", "XCLIENT"};
    bool refused = std::ranges::find(kUnnamed, command.verb) != kUnnamed.end();
    BOOST_TEST((help.find(" " + std::string(command.verb)) != std::string::npos) == !refused);
  }
}

BOOST_AUTO_TEST_CASE(the_surplus_of_recipients_is_452_and_the_rest_goes_on_S12) {
  auto options = plain_options();
  options.max_recipients = 2;
  Dialogue dialogue(options);
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send(envelope_of({"unknown@x.example", "a@x.example", "b@x.example",
                                              "c@x.example", "a@x.example"}) +
                                 kText)) ==
             "250 2.1.0, 550 5.1.1, 250 2.1.5, 250 2.1.5, 452 4.5.3, 452 4.5.3, 354, 250 2.0.0, "
             "250 2.0.0");
  BOOST_TEST(dialogue.last().copies.size() == 2u);
  BOOST_TEST(codes(dialogue.send(kOne)) == "250 2.1.0, 250 2.1.5");
}

BOOST_AUTO_TEST_CASE(too_many_errors_are_421_and_close_S11) {
  auto options = plain_options();
  options.max_errors = 3;
  Dialogue dialogue(options);
  // An unknown recipient is no error of the client's.
  dialogue.send(hello() + envelope_of({"unknown@x.example", "unknown@x.example",
                                       "unknown@x.example", "unknown@x.example"}));
  BOOST_TEST(codes(dialogue.send("FOO\r\nRSET x\r\nNOOP\r\nRCPT TO:<\r\nNOOP\r\n")) ==
             "500 5.5.1, 501 5.5.4, 250 2.0.0, 501 5.1.3, 421 4.7.0");
  BOOST_TEST(dialogue.closed);
}

BOOST_AUTO_TEST_CASE(a_shutdown_says_421_and_closes_S11_S13) {
  Dialogue dialogue;
  dialogue.send(hello() + kOne);
  dialogue.session().shut_down();
  BOOST_TEST(codes(dialogue.send(kText)) == "421 4.3.2");
  BOOST_TEST(dialogue.closed);
  BOOST_TEST(dialogue.messages.empty());
}

BOOST_AUTO_TEST_CASE(a_timeout_says_421_and_closes_S11_S13) {
  for (auto begun :
       {"", "NOO", "MAIL FROM:<>\r\n", "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nx"}) {
    Dialogue dialogue;
    dialogue.send(hello() + begun);
    dialogue.session().time_out(300);
    BOOST_TEST(dialogue.send("P\r\n") ==
               "421 4.4.2 mx.example.org waited 300 s for input, closing\r\n");
    BOOST_TEST(dialogue.closed);
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_is_not_allowed_gets_554_instead_of_the_greeting_L11) {
  auto options = plain_options();
  Session session(options, plain_peer());
  session.refuse_peer("198.51.100.1");
  std::string_view input = "LHLO x\r\n";
  BOOST_TEST(std::holds_alternative<Closed>(session.next(input)));
  BOOST_TEST(session.output() ==
             "554 5.7.1 198.51.100.1 is not in the networks of the setting allow\r\n");
}

BOOST_AUTO_TEST_CASE(the_session_says_whether_content_is_coming_S11_S13) {
  Dialogue dialogue;
  auto in_content = [&](std::string_view octets) {
    dialogue.send(octets);
    return dialogue.session().in_content();
  };
  BOOST_TEST(!in_content(hello()));
  BOOST_TEST(!in_content(kOne));
  BOOST_TEST(dialogue.session().in_transaction());
  BOOST_TEST(in_content("DATA\r\n"));
  BOOST_TEST(in_content("text\r\n.\r"));
  BOOST_TEST(!in_content("\n"));
  BOOST_TEST(!dialogue.session().in_transaction());
  // Content that nobody wants; a shutdown does not wait for it.
  BOOST_TEST(in_content("BDAT 10 LAST\r\nQUIT"));
  BOOST_TEST(!dialogue.session().in_transaction());
  BOOST_TEST(!in_content("\r\nQUIT"));
}

// What trickles there has no more time than a command.
BOOST_AUTO_TEST_CASE(the_lines_of_auth_are_no_content_S11_S13_X11) {
  auto peer = plain_peer();
  peer.mechanisms = "PLAIN";
  Dialogue dialogue(plain_options(), peer);
  BOOST_TEST(codes(dialogue.send(hello() + "AUTH PLAIN\r\nZ29")) == "250, 334");
  BOOST_TEST(!dialogue.session().in_content());
}

// The deadline of a command begins when the one before it was read.
BOOST_AUTO_TEST_CASE(trickled_octets_are_no_commands_S13) {
  Dialogue dialogue;
  dialogue.send_in_pieces("LHLO x\r\nNO", 1);
  BOOST_TEST(dialogue.session().commands() == 1u);
  dialogue.send_in_pieces("OP\r\n\r\n", 1);
  BOOST_TEST(dialogue.session().commands() == 3u);
}

BOOST_AUTO_TEST_CASE(a_message_declared_too_large_is_552_at_mail_X4) {
  auto options = plain_options();
  options.max_message_size = 1000;
  Dialogue dialogue(options);
  dialogue.send(hello());
  BOOST_TEST(dialogue.send("MAIL FROM:<> SIZE=1001\r\n") ==
             "552 5.3.4 message of 1001 octets exceeds the limit of 1000\r\n");
  // RFC 1870 4 allows 20 digits, more than 64 bits hold.
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<> SIZE=99999999999999999999\r\n")) == "552 5.3.4");
  BOOST_TEST(codes(dialogue.send("RCPT TO:<a@x.example>\r\nMAIL FROM:<> SIZE=1000\r\n")) ==
             "503 5.5.1, 250 2.1.0");
}

BOOST_AUTO_TEST_CASE(a_message_declared_with_no_room_for_it_is_refused_at_mail_X4) {
  BOOST_TEST(codes_after_hello("MAIL FROM:<noroom@x.example> SIZE=1\r\n") == "452 4.3.1");
}

BOOST_AUTO_TEST_CASE(mail_can_be_named_in_any_error_of_it_and_nothing_is_counted_twice_S5) {
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(dialogue.session().take_refusal() == "");
  dialogue.send("MAIL FROM:<> FOO\r\n");
  BOOST_TEST(dialogue.session().take_refusal() == "555 5.5.4 parameter not recognised: FOO");
  BOOST_TEST(dialogue.session().take_refusal() == "");
}

BOOST_AUTO_TEST_CASE(the_client_cannot_write_lines_into_a_reply_X2) {
  for (auto command : {"MAIL FROM:<> X\x01=\x7f", "MAIL FROM:<> \xc3\xbc=1", "MAIL FROM:<> A=1\t",
                       "VRFY <\"a\tb\"@x.example>"}) {
    reply_to_command(command);  // the dialogue looks at the form of each reply
  }
  // RFC 5321 4.5.3.1.5: a reply line has 512 octets at most.
  for (std::size_t n : {400u, 450u, 500u, 530u}) {
    BOOST_TEST(reply_to_command("MAIL FROM:<> =" + std::string(n, 'x')) == "501 5.5.4");
  }
}

BOOST_AUTO_TEST_SUITE_END()
