// The order of commands in a session, transactions and replies.
#include "lmtp/session.hh"

#include <boost/test/unit_test.hpp>

#include "lmtp/command.hh"
#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;

namespace {

// Returns the codes of the replies to `input` after LHLO.
std::string codes_after_hello(std::string_view input) {
  Dialogue dialogue;
  dialogue.send(hello());
  return codes(dialogue.send(input));
}

// Returns the reply to one command after LHLO.
std::string reply_to_command(std::string_view command) {
  return codes_after_hello(std::string(command) + "\r\n");
}

const std::string kOne = envelope_of({"pat@example.org"});
const std::string kText = "DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_session)

BOOST_AUTO_TEST_CASE(helo_and_ehlo_get_500_L1) {
  for (auto command : {"HELO a.example", "EHLO a.example", "EHLO", "helo", "Ehlo a"}) {
    Dialogue dialogue;
    BOOST_TEST(codes(dialogue.send(std::string(command) + "\r\n")) == "500 5.5.1", command);
    BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\n")) == "503 5.5.1", command);
  }
}

BOOST_AUTO_TEST_CASE(lhlo_without_an_argument_gets_501_L1) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("LHLO\r\nLHLO \r\n")) == "501 5.5.4, 501 5.5.4");
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\n")) == "503 5.5.1");
}

BOOST_AUTO_TEST_CASE(lhlo_with_an_argument_that_would_break_a_received_line_gets_501_L1_S9) {
  for (auto name :
       {"a b", "a(b", "a)b", "<a>", "a;b", "\"a\"", "a\\b", "a\tb", "a\x01", "b\xc3\xbc"}) {
    Dialogue dialogue;
    BOOST_TEST(codes(dialogue.send("LHLO " + std::string(name) + "\r\n")) == "501 5.5.4", name);
  }
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("LHLO [IPv6:2001:db8::1]\r\n")) == "250");
}

BOOST_AUTO_TEST_CASE(lhlo_lists_one_keyword_per_line_without_enhanced_codes_L2_L9_X4_X9) {
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
  // A refused command changes nothing.
  BOOST_TEST(codes(dialogue.send("LHLO\r\nLHLO a b\r\n" + kText)) ==
             "501 5.5.4, 501 5.5.4, 354, 250 2.0.0");
  BOOST_TEST(dialogue.last().recipients.size() == 1u);
  BOOST_TEST(dialogue.last().trace().find("from other.example ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(data_without_rcpt_gets_503_L3) {
  BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nDATA\r\n") == "250 2.1.0, 503 5.5.1");
}

BOOST_AUTO_TEST_CASE(data_pipelined_after_refused_rcpts_gets_503_L3) {
  BOOST_TEST(codes_after_hello(envelope_of({"unknown@a.example", "broken@a.example"}) +
                               "RCPT TO:<>\r\nDATA\r\nRSET\r\n") ==
             "250 2.1.0, 550 5.1.1, 451 4.3.0, 501 5.1.3, 503 5.5.1, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(after_a_refused_data_the_transaction_continues_L3) {
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

BOOST_AUTO_TEST_CASE(a_reply_is_sent_as_soon_as_the_earlier_ones_are_known_L10) {
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

BOOST_AUTO_TEST_CASE(commands_are_accepted_in_any_case_with_trailing_blanks_S1) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("lhlo x\r\nMail from:<>  \r\nRcPt To:<a@x.example>\t \r\n"
                                 "nOOP \r\nrset\t\r\nQuit  \r\n")) ==
             "250, 250 2.1.0, 250 2.1.5, 250 2.0.0, 250 2.0.0, 221 2.0.0");
  BOOST_TEST(dialogue.closed);
}

BOOST_AUTO_TEST_CASE(commands_out_of_order_get_503_S2) {
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

BOOST_AUTO_TEST_CASE(an_unknown_parameter_gets_555_S5) {
  BOOST_TEST(reply_to_command("MAIL FROM:<> FOO") == "555 5.5.4");
  BOOST_TEST(reply_to_command("MAIL FROM:<> SIZE=1 FOO=bar") == "555 5.5.4");
  BOOST_TEST(reply_to_command("MAIL FROM:<> RET=FULL") == "555 5.5.4");
  BOOST_TEST(codes_after_hello("MAIL FROM:<>\r\nRCPT TO:<a@x.example> FOO\r\n"
                               "RCPT TO:<a@x.example> SIZE=1\r\nDATA\r\n") ==
             "250 2.1.0, 555 5.5.4, 555 5.5.4, 503 5.5.1");
}

BOOST_AUTO_TEST_CASE(a_repeated_or_malformed_parameter_gets_501_S5_X3_X4) {
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

BOOST_AUTO_TEST_CASE(parameters_are_accepted_in_any_case_and_order_S5_X3_X4) {
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

BOOST_AUTO_TEST_CASE(verbs_that_need_no_lhlo_are_allowed_before_it_S6) {
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send("NOOP\r\nRSET\r\nHELP\r\nVRFY a@x.example\r\nQUIT\r\n")) ==
             "250 2.0.0, 250 2.0.0, 214 2.0.0, 250 2.1.5, 221 2.0.0");
}

BOOST_AUTO_TEST_CASE(rset_ends_the_transaction_S6) {
  BOOST_TEST(codes_after_hello(kOne + "RSET\r\nDATA\r\n" + kOne) ==
             "250 2.1.0, 250 2.1.5, 250 2.0.0, 503 5.5.1, 250 2.1.0, 250 2.1.5");
}

BOOST_AUTO_TEST_CASE(quit_closes_and_no_command_after_it_is_executed_S6) {
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

BOOST_AUTO_TEST_CASE(expn_gets_502_and_an_unknown_verb_500_S6) {
  BOOST_TEST(reply_to_command("EXPN list") == "502 5.5.1");
  BOOST_TEST(reply_to_command("EXPN") == "502 5.5.1");
  for (auto command :
       {"", " ", "FOO", "FOO bar", "MAILX", "TURN", " NOOP", "\tNOOP", "MAIL\tFROM:<>", "RSETX"}) {
    BOOST_TEST(reply_to_command(command) == "500 5.5.1", "\"" << command << "\"");
  }
}

BOOST_AUTO_TEST_CASE(an_unexpected_argument_gets_501_S6) {
  Dialogue dialogue;
  dialogue.send(hello() + kOne);
  BOOST_TEST(codes(dialogue.send("RSET x\r\nQUIT x\r\nDATA x\r\n")) ==
             "501 5.5.4, 501 5.5.4, 501 5.5.4");
  BOOST_TEST(codes(dialogue.send(kText)) == "354, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(a_missing_argument_gets_501_with_the_syntax_S6) {
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

BOOST_AUTO_TEST_CASE(help_names_every_accepted_verb_S6) {
  Dialogue dialogue;
  auto help = dialogue.send("HELP\r\n");
  for (const auto& command : CommandTable::all()) {
    // HELP omits commands that are always refused, and those that LHLO announces only to some
    // peers.
    static const std::vector<std::string_view> kUnnamed{"HELO", "EHLO",     "EXPN",   "STARTTLS",
                                                        "AUTH", "XFORWARD", "XCLIENT"};
    bool refused = std::ranges::find(kUnnamed, command.verb) != kUnnamed.end();
    BOOST_TEST((help.find(" " + std::string(command.verb)) != std::string::npos) == !refused);
  }
}

BOOST_AUTO_TEST_CASE(surplus_recipients_get_452_and_the_others_are_delivered_S12) {
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

BOOST_AUTO_TEST_CASE(too_many_errors_get_421_and_close_the_session_S11) {
  auto options = plain_options();
  options.max_errors = 3;
  Dialogue dialogue(options);
  // An unknown recipient is not an error of the client.
  dialogue.send(hello() + envelope_of({"unknown@x.example", "unknown@x.example",
                                       "unknown@x.example", "unknown@x.example"}));
  BOOST_TEST(codes(dialogue.send("FOO\r\nRSET x\r\nNOOP\r\nRCPT TO:<\r\nNOOP\r\n")) ==
             "500 5.5.1, 501 5.5.4, 250 2.0.0, 501 5.1.3, 421 4.7.0");
  BOOST_TEST(dialogue.closed);
}

BOOST_AUTO_TEST_CASE(a_shutdown_sends_421_and_closes_S11_S13) {
  Dialogue dialogue;
  dialogue.send(hello() + kOne);
  dialogue.session().shut_down();
  BOOST_TEST(codes(dialogue.send(kText)) == "421 4.3.2");
  BOOST_TEST(dialogue.closed);
  BOOST_TEST(dialogue.messages.empty());
}

BOOST_AUTO_TEST_CASE(a_timeout_sends_421_and_closes_S11_S13) {
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

BOOST_AUTO_TEST_CASE(commands_without_a_message_are_limited_S17) {
  const auto end = "421 4.7.0 mx.example.org got 100 commands without a message, closing\r\n";
  for (std::string command :
       {"NOOP", "RSET", "VRFY a@x.example", "HELP", "LHLO x", "MAIL FROM:<>\r\nLHLO x"}) {
    Dialogue dialogue;
    dialogue.send(hello());
    std::string replies;
    for (int i = 0; i < 100 && !dialogue.closed; ++i) replies = dialogue.send(command + "\r\n");
    BOOST_TEST(replies.ends_with(end), command);
    BOOST_TEST(dialogue.closed);
  }
  // LHLO and 99 more; QUIT is always answered.
  Dialogue dialogue;
  dialogue.send(hello());
  for (int i = 0; i < 99; ++i) dialogue.send("NOOP\r\n");
  BOOST_TEST(dialogue.send("QUIT\r\n") == "221 2.0.0 mx.example.org closing connection\r\n");
}

BOOST_AUTO_TEST_CASE(a_message_resets_the_count_of_commands_S17) {
  Dialogue dialogue;
  dialogue.send(hello());
  for (int i = 0; i < 50; ++i) {
    for (int n = 0; n < 90; ++n) dialogue.send("NOOP\r\n");
    BOOST_TEST(codes(dialogue.send(kOne + "DATA\r\n")).ends_with("354"));
    BOOST_TEST(codes(dialogue.send("x\r\n.\r\n")) == "250 2.0.0");
  }
  // RCPT commands do not count towards this limit.
  std::string many = "MAIL FROM:<>\r\n";
  for (int i = 0; i < 200; ++i) many += "RCPT TO:<unknown@x.example>\r\n";
  dialogue.send(many);
  BOOST_TEST(!dialogue.closed);
}

BOOST_AUTO_TEST_CASE(an_old_session_ends_between_transactions_S17) {
  const auto end =
      "421 4.3.2 mx.example.org session has lasted its maximum time, connect again\r\n";
  for (std::string command : {"MAIL FROM:<>", "NOOP", "RSET"}) {
    Dialogue dialogue;
    dialogue.send(hello() + kOne);
    dialogue.session().grow_old();
    BOOST_TEST(codes(dialogue.send("DATA\r\nx\r\n.\r\n")) == "354, 250 2.0.0");
    BOOST_TEST(dialogue.send(command + "\r\n") == end);
    BOOST_TEST(dialogue.closed);
  }
  Dialogue dialogue;
  dialogue.send(hello());
  dialogue.session().grow_old();
  BOOST_TEST(dialogue.send("QUIT\r\n") == "221 2.0.0 mx.example.org closing connection\r\n");
}

BOOST_AUTO_TEST_CASE(an_idle_client_that_makes_room_for_others_gets_421_S16) {
  for (auto begun : {"", "NOO", "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\n"}) {
    Dialogue dialogue;
    dialogue.send(hello() + begun);
    dialogue.session().make_room(10);
    BOOST_TEST(dialogue.send("P\r\n") ==
               "421 4.3.2 mx.example.org waited 10 s for a command and others wait, connect "
               "again\r\n");
    BOOST_TEST(dialogue.closed);
  }
}

BOOST_AUTO_TEST_CASE(a_client_that_is_not_allowed_gets_554_instead_of_the_greeting_L11) {
  auto options = plain_options();
  Session session(options, plain_peer());
  session.refuse_peer({say::kNotAllowed, {"198.51.100.1"}});
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
  // Content without recipients: a shutdown does not wait for it.
  BOOST_TEST(in_content("BDAT 10 LAST\r\nQUIT"));
  BOOST_TEST(!dialogue.session().in_transaction());
  BOOST_TEST(!in_content("\r\nQUIT"));
}

// An AUTH exchange that arrives slowly therefore gets no more time than any other command.
BOOST_AUTO_TEST_CASE(lines_of_an_auth_exchange_do_not_count_as_content_S11_S13_X11) {
  auto peer = plain_peer();
  peer.mechanisms = "PLAIN";
  Dialogue dialogue(plain_options(), peer);
  BOOST_TEST(codes(dialogue.send(hello() + "AUTH PLAIN\r\nZ29")) == "250, 334");
  BOOST_TEST(!dialogue.session().in_content());
}

// The deadline of a command starts when the previous one was read.
BOOST_AUTO_TEST_CASE(octets_that_arrive_one_by_one_are_not_counted_as_commands_S13) {
  Dialogue dialogue;
  dialogue.send_in_pieces("LHLO x\r\nNO", 1);
  BOOST_TEST(dialogue.session().commands() == 1u);
  dialogue.send_in_pieces("OP\r\n\r\n", 1);
  BOOST_TEST(dialogue.session().commands() == 3u);
}

BOOST_AUTO_TEST_CASE(a_message_declared_too_large_gets_552_at_mail_X4) {
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

BOOST_AUTO_TEST_CASE(every_error_of_mail_is_counted_once_S5) {
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(dialogue.session().take_refusals().empty());
  dialogue.send("MAIL FROM:<> FOO\r\n");
  auto refusals = dialogue.session().take_refusals();
  BOOST_REQUIRE(refusals.size() == 1U);
  BOOST_TEST(refusals[0].reply.one_line() == "555 5.5.4 parameter not recognised: FOO");
  BOOST_TEST(dialogue.session().take_refusals().empty());
}

BOOST_AUTO_TEST_CASE(each_refused_command_is_reported_with_its_sender_and_recipient) {
  Dialogue dialogue;
  dialogue.send(hello());
  dialogue.send(
      "MAIL FROM:<a@x.example> SIZE=99999999999999999999\r\nMAIL FROM:<b@x.example>\r\n"
      "RCPT TO:<c@x.example> FOO=1\r\nNOOP x\r\nXYZZY\r\n");
  auto refusals = dialogue.session().take_refusals();
  BOOST_REQUIRE(refusals.size() == 3U);
  BOOST_TEST(refusals[0].reply.one_line().starts_with("552 5.3.4"));
  BOOST_TEST(refusals[0].from == "<a@x.example>");
  BOOST_TEST(refusals[0].to == "");
  BOOST_TEST(refusals[1].reply.one_line().starts_with("555 5.5.4"));
  BOOST_TEST(refusals[1].from == "<b@x.example>");
  BOOST_TEST(refusals[1].to == "<c@x.example>");
  BOOST_TEST(refusals[2].from == "<b@x.example>");
  BOOST_TEST(refusals[0].verb == "MAIL");
  BOOST_TEST(refusals[1].verb == "RCPT");
  BOOST_TEST(refusals[0].reply.reason == "too_large");
  BOOST_TEST(refusals[1].reply.reason == "protocol");
}

// The log can name each refused address, even if several arrive in one read. The reply names it
// without characters that a reply must not contain.
BOOST_AUTO_TEST_CASE(a_refusal_names_the_refused_address_S3_S5) {
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(dialogue.send("MAIL FROM:a@b\r\nMAIL FROM:<a\x1b@b> SIZE=1\r\n"
                           "MAIL FROM:<s@y> FOO=1\r\nVRFY a b\r\nFOO a@b\r\n"
                           "MAIL FROM:<>\r\nRCPT TO:<a b@c>\r\n"
                           "VRFY <\xc3\xbc@x.example>\r\n") ==
             "501 5.1.7 bad sender address: a@b\r\n"
             "501 5.1.7 bad sender address: <a?@b> SIZE=1\r\n"
             "555 5.5.4 parameter not recognised: FOO\r\n"
             "501 5.1.3 bad recipient address: a b\r\n"
             "500 5.5.1 command not recognised\r\n"
             "250 2.1.0 ok\r\n"
             "501 5.1.3 bad recipient address: <a b@c>\r\n"
             "553 5.6.7 address beyond ASCII needs SMTPUTF8: <??@x.example>\r\n");
  auto refusals = dialogue.session().take_refusals();
  std::vector<std::string> from;
  std::vector<std::string> to;
  for (const auto& refused : refusals) {
    from.push_back(refused.from);
    to.push_back(refused.to);
  }
  std::vector<std::string> senders{"a@b", "<a\x1b@b>", "<s@y>", "", "", "<>", "<>"};
  std::vector<std::string> recipients{"", "", "", "a", "", "<a b@c>", "<\xc3\xbc@x.example>"};
  BOOST_TEST(from == senders, boost::test_tools::per_element());
  BOOST_TEST(to == recipients, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_client_cannot_write_lines_into_a_reply_X2) {
  for (auto command : {"MAIL FROM:<> X\x01=\x7f", "MAIL FROM:<> \xc3\xbc=1", "MAIL FROM:<> A=1\t",
                       "VRFY <\"a\tb\"@x.example>"}) {
    reply_to_command(command);  // the dialogue checks the form of each reply
  }
  // RFC 5321 4.5.3.1.5: a reply line has 512 octets at most.
  for (std::size_t n : {400u, 450u, 500u, 530u}) {
    BOOST_TEST(reply_to_command("MAIL FROM:<> =" + std::string(n, 'x')) == "501 5.5.4");
  }
}

BOOST_AUTO_TEST_SUITE_END()
