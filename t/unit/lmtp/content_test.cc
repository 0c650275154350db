// What is stored: the octets that were sent, below the trace header; and when nothing is.
#include <boost/test/unit_test.hpp>

#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;
using handoff::escape;

namespace {

const std::string kRcpt = "a@x.example";

// A message with this content (dots stuffed already), delivered to `recipients`.
Message deliver(std::string_view content, const std::vector<std::string>& recipients = {kRcpt},
                SessionOptions options = plain_options()) {
  Dialogue dialogue(options);
  dialogue.send(hello() + envelope_of(recipients) + "DATA\r\n");
  dialogue.send(content);
  dialogue.send(".\r\n");
  return dialogue.last();
}

std::string repeat(std::size_t n, std::string_view text) {
  std::string out;
  while (n-- > 0) out += text;
  return out;
}

// Codes of the replies to a message with this content.
std::string codes_of(std::string_view content,
                     const std::vector<std::string>& recipients = {kRcpt}) {
  Dialogue dialogue;
  dialogue.send(hello() + envelope_of(recipients) + "DATA\r\n");
  return codes(dialogue.send(std::string(content) + ".\r\n"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_content)

BOOST_AUTO_TEST_CASE(every_octet_arrives_as_it_was_sent_S8) {
  std::string content = "Subject: x\r\n\r\n";
  for (int first = 0; first < 256; ++first) {
    content += "x";
    content += static_cast<char>(first);
    content += static_cast<char>(255 - first);
  }
  content += "\r\n";
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}, content.size()}) {
    Dialogue dialogue;
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    dialogue.send_in_pieces(content + ".\r\n", piece);
    BOOST_TEST(escape(dialogue.last().body()) == escape(content));
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_is_no_field_begins_the_body_S8_S10) {
  const std::string longest(40, 'n');
  for (const std::string& first :
       {std::string("Dear Pat"), std::string("word\t \tand word: x"), longest, longest + " x:y"}) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      auto content = first + "\r\nReturn-Path: <old@x>\r\nDelivered-To: " + kRcpt + "\r\nfoo\r\n";
      Dialogue dialogue;
      dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
      dialogue.send_in_pieces(content + ".\r\n", piece);
      BOOST_TEST(dialogue.last().body() == content);
    }
    BOOST_TEST(codes_of(first + "\r\n" + repeat(101, "Received: packet\r\n")) == "250 2.0.0");
  }
  // These do not.
  for (const std::string& first :
       {longest + ": x", longest + " \t: x", std::string("From pat@x.example Mon Nov 2 2026"),
        std::string("A: b\r\n c"), std::string(": x")}) {
    BOOST_TEST(deliver(first + "\r\nReturn-Path: <old@x>\r\n\r\nfoo\r\n").body() ==
               first + "\r\n\r\nfoo\r\n");
  }
}

BOOST_AUTO_TEST_CASE(every_octet_arrives_in_the_header_too_S8) {
  std::string content = "X-Bytes: ";
  for (int octet = 0; octet < 256; ++octet) {
    if (octet != '\n') content += static_cast<char>(octet);
  }
  content += "\r\n\r\n";
  BOOST_TEST(escape(deliver(content).body()) == escape(content));
}

BOOST_AUTO_TEST_CASE(a_line_of_a_megabyte_passes_and_is_not_held_S8) {
  for (std::string before : {"", "X: ", "\r\n", "Message-ID: ", "Received: "}) {
    auto content = before + std::string(1 << 20, 'x') + "\xff\r\n";
    Dialogue dialogue;
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    BOOST_TEST(codes(dialogue.send_in_pieces(content + ".\r\n", 1021)) == "250 2.0.0");
    BOOST_CHECK(dialogue.last().body() == content);
    BOOST_TEST(dialogue.most_held <= 32u);
    BOOST_TEST(dialogue.session().header_facts().message_id.size() <= 1000u);
  }
}

BOOST_AUTO_TEST_CASE(a_message_may_be_empty_or_all_header_or_all_body_S8) {
  for (std::string_view content : {"", "\r\n", "Subject: x\r\n", "x\r\n", "\r\n\r\n", " folded\r\n",
                                   "Subject: x\r\n y\r\n\r\n", ":\r\n",
                                   "a\r\n\r\nReturn-Path: <b>\r\n", "\r\nReturn-Path: <b>\r\n"}) {
    BOOST_TEST(deliver(content).body() == content);
  }
}

BOOST_AUTO_TEST_CASE(the_trace_header_stands_on_top_S9) {
  auto message = deliver("Subject: x\r\n\r\n");
  BOOST_TEST(message.content ==
             "Return-Path: <sender@example.net>\r\n"
             "Delivered-To: a@x.example\r\n"
             "Received: from client.example ([192.0.2.1])\r\n"
             "\tby mx.example.org (handoff) with LMTP id ID\r\n"
             "\tfor <a@x.example>;\r\n"
             "\tThu, 1 Jan 2026 00:00:00 +0000\r\n"
             "Subject: x\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(the_null_sender_and_a_quoted_one_are_written_as_paths_S9) {
  for (auto [from, line] :
       {std::pair("<>", "Return-Path: <>\r\n"),
        std::pair("<@r.example:\"a b\"@x.example>", "Return-Path: <\"a b\"@x.example>\r\n"),
        std::pair("<\"ab\"@x.example>", "Return-Path: <ab@x.example>\r\n")}) {
    Dialogue dialogue;
    dialogue.send(hello() + "MAIL FROM:" + from + "\r\nRCPT TO:<" + kRcpt + ">\r\nDATA\r\n.\r\n");
    BOOST_TEST(dialogue.last().content.starts_with(line));
  }
}

// RFC 5321 7.2: each recipient would learn of the others.
BOOST_AUTO_TEST_CASE(for_is_said_with_exactly_one_recipient_S9) {
  auto says_for = [](const std::vector<std::string>& recipients) {
    return deliver("\r\n", recipients).trace().find("for <") != std::string::npos;
  };
  BOOST_TEST(says_for({"a@x.example"}));
  BOOST_TEST(says_for({"a@x.example", "unknown@x.example"}));
  BOOST_TEST(!says_for({"a@x.example", "b@x.example"}));
  BOOST_TEST(!says_for({"a@x.example", "A@x.example"}));
}

BOOST_AUTO_TEST_CASE(delivered_to_is_written_as_it_is_set_S9) {
  auto lines = [](DeliveredTo setting, const std::vector<std::string>& recipients) {
    auto options = plain_options();
    options.delivered_to = setting;
    auto message = deliver("\r\n", recipients, options);
    std::string out;
    bool shared = message.trace().find("Delivered-To: ") != std::string::npos;
    if (shared) out = "shared ";
    for (const auto& copy : message.copies) out += copy.header;
    return out;
  };
  using enum DeliveredTo;
  const std::vector<std::string> one{"a@x.example"};
  const std::vector<std::string> same{"a@x.example", "A@x.example"};
  const std::vector<std::string> two{"A@x.example", "b@X.example", "a@x.example"};
  BOOST_TEST(lines(kAuto, one) == "shared ");
  BOOST_TEST(lines(kAuto, same) == "shared ");
  BOOST_TEST(lines(kAuto, two) == "");
  BOOST_TEST(lines(kAlways, one) == "shared ");
  BOOST_TEST(lines(kAlways, same) == "shared ");
  BOOST_TEST(lines(kAlways, two) == "Delivered-To: a@x.example\r\nDelivered-To: b@x.example\r\n");
  for (const auto& recipients : {one, same, two}) BOOST_TEST(lines(kNever, recipients) == "");
}

BOOST_AUTO_TEST_CASE(a_return_path_that_is_there_is_removed_wherever_it_is_split_S9) {
  const std::string content =
      "Return-Path: <one@x.example>\r\nSubject: x\r\n"
      "return-path : <two@x.example>\r\n (folded,\r\n\t\r\n twice)\r\nTo: y\r\n"
      "RETURN-PATH:\r\n <three@x.example>\r\nReturn-Paths: kept\r\nReturn: kept\r\n"
      "X: y\r\n Return-Path: folded, kept\r\nReturn-Path:\r\n\r\nReturn-Path: <kept@x.example>\r\n";
  const std::string expected =
      "Subject: x\r\nTo: y\r\nReturn-Paths: kept\r\nReturn: kept\r\n"
      "X: y\r\n Return-Path: folded, kept\r\n\r\nReturn-Path: <kept@x.example>\r\n";
  auto begin = hello() + envelope_of({kRcpt}) + "DATA\r\n";
  for (std::size_t at = 0; at <= content.size(); ++at) {
    Dialogue dialogue;
    dialogue.send(begin + content.substr(0, at));
    dialogue.send(content.substr(at) + ".\r\n");
    BOOST_TEST(dialogue.last().body() == expected);
    if (at == 0) BOOST_TEST(dialogue.last().content.starts_with("Return-Path: <sender@"));
  }
  for (std::size_t piece = 1; piece < 40; ++piece) {
    Dialogue dialogue;
    dialogue.send(begin);
    dialogue.send_in_pieces(content + ".\r\n", piece);
    BOOST_TEST(dialogue.last().body() == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_return_path_at_the_very_end_is_removed_S9) {
  BOOST_TEST(deliver("A: b\r\nReturn-Path: <x>\r\n").body() == "A: b\r\n");
  BOOST_TEST(deliver("Return-Path: <x>\r\n y\r\n").body() == "");
}

BOOST_AUTO_TEST_CASE(a_hundred_hops_are_fine_and_one_more_is_a_loop_S10) {
  auto received = [](std::size_t n) { return repeat(n, "Received: by a\r\n id b; date\r\n"); };
  BOOST_TEST(codes_of(received(100) + "\r\n") == "250 2.0.0");
  BOOST_TEST(codes_of(received(101) + "\r\n", {"a@x.example", "b@x.example"}) ==
             "554 5.4.6, 554 5.4.6");
  BOOST_TEST(codes_of(received(100) + "RECEIVED : x\r\n") == "554 5.4.6");
  // Only those of the header count, and only they.
  BOOST_TEST(codes_of(received(100) + "Receiveds: x\r\nX: y\r\n Received: z\r\n\r\n" +
                      received(9)) == "250 2.0.0");
}

BOOST_AUTO_TEST_CASE(a_message_with_too_many_hops_is_dropped_S10) {
  auto message = deliver(repeat(101, "Received: x\r\n"));
  BOOST_TEST(message.dropped);
  BOOST_TEST(message.copies.empty());
}

BOOST_AUTO_TEST_CASE(a_mailbox_that_has_had_the_message_refuses_it_alone_S10) {
  Dialogue dialogue;
  dialogue.send(hello() +
                envelope_of({"a@x.example", "b@x.example", "c@x.example", "b@x.example"}) +
                "DATA\r\n");
  BOOST_TEST(dialogue.send("Delivered-To: B@X.example\r\n\r\n.\r\n") ==
             "250 2.0.0 <a@x.example> delivered\r\n"
             "554 5.4.6 <b@x.example> Delivered-To: is there, a mail loop\r\n"
             "250 2.0.0 <c@x.example> delivered\r\n"
             "554 5.4.6 <b@x.example> Delivered-To: is there, a mail loop\r\n");
  BOOST_TEST(dialogue.last().copies.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_loop_is_seen_folded_last_and_at_every_split_S10) {
  for (std::string header :
       {"Delivered-To:\r\n a@x.example\r\n\r\n", "delivered-to : a@x.example \r\n\r\n",
        "Delivered-To: z@x.example\r\nDelivered-To: a@x.example\r\nX: y\r\n\r\n",
        "Delivered-To:\ta@x.example\r\n"}) {
    for (std::size_t at = 0; at <= header.size(); ++at) {
      Dialogue dialogue;
      dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n" + header.substr(0, at));
      BOOST_TEST(codes(dialogue.send(header.substr(at) + ".\r\n")).ends_with("554 5.4.6"), header);
      BOOST_TEST(dialogue.last().dropped);
    }
  }
}

BOOST_AUTO_TEST_CASE(another_delivered_to_is_no_loop_S10) {
  for (std::string_view content :
       {"Delivered-To: b@x.example\r\n\r\n", "Delivered-To: aa@x.example\r\n\r\n",
        "Delivered-To:\r\n\r\n", "X-Delivered-To: a@x.example\r\n\r\n",
        "\r\nDelivered-To: a@x.example\r\n", "X: y\r\n Delivered-To: a@x.example\r\n\r\n"}) {
    BOOST_TEST(codes_of(content) == "250 2.0.0", content);
  }
}

BOOST_AUTO_TEST_CASE(what_the_queue_manager_put_on_top_is_no_loop_S10) {
  const std::string to = "Delivered-To: a@x.example\r\n";
  const std::string theirs =
      "Received: from localhost\r\n\tby mx (OpenSMTPD) with ESMTP id 1; x\r\n";
  const std::string ours =
      "Received: from mx\r\n\tby x (handoff) with LMTP id 2\r\n\tfor <a>; x\r\n";
  BOOST_TEST(codes_of("Return-Path: <s>\r\n" + to + theirs + "\r\n") == "250 2.0.0");
  BOOST_TEST(codes_of(to + theirs) == "250 2.0.0");
  for (const auto& loop : {to + ours + "\r\n", theirs + to + ours + "\r\n", to + to + theirs,
                           to + theirs + to + ours, to + ours, ours + to, to + "\r\n" + theirs}) {
    BOOST_TEST(codes_of(loop) == "554 5.4.6", loop);
  }
}

BOOST_AUTO_TEST_CASE(the_header_tells_message_id_and_queue_id) {
  auto facts = [](std::string content) {
    Dialogue dialogue;
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    dialogue.send_in_pieces(content + ".\r\n", 3);
    return dialogue.session().header_facts();
  };
  auto first = facts(
      "Received: by mx\r\n\twith ESMTP id 4abC9; Thu\r\nReceived: by y id no\r\n"
      "Message-ID:\r\n <1@x>\r\nMessage-Id: <2@x>\r\n\r\nReceived: x\r\n");
  BOOST_TEST(first.queue_id == "4abC9");
  BOOST_TEST(first.message_id == "<1@x>");
  BOOST_TEST(first.received == 2u);
  // As Postfix' pickup writes it.
  auto folded = facts("Received: by mx (Postfix, from userid 0)\r\n\tid 4abD0; Thu\r\n\r\n");
  BOOST_TEST(folded.queue_id == "4abD0");
  auto none = facts("Subject: x\r\nReceived: by x\r\n\r\nMessage-ID: <1@x>\r\n");
  BOOST_TEST(none.queue_id == "");
  BOOST_TEST(none.message_id == "");
}

BOOST_AUTO_TEST_CASE(the_facts_are_those_of_the_last_message) {
  Dialogue dialogue;
  dialogue.send(hello());
  auto send = [&](std::string header) {
    dialogue.send(envelope_of({kRcpt}) + "DATA\r\n" + header + "\r\n.\r\n");
    return dialogue.session().header_facts().message_id;
  };
  BOOST_TEST(send("Message-ID: <1@x>\r\n") == "<1@x>");
  BOOST_TEST(send("") == "");
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_is_read_to_its_end_and_dropped_X4) {
  auto options = plain_options();
  options.max_message_size = 1000;
  for (std::size_t piece : {1u, 100u, 10000u}) {
    Dialogue dialogue(options);
    dialogue.send(hello() + envelope_of({"a@x.example", "b@x.example"}) + "DATA\r\n");
    auto content = repeat(100, "..234567\r\n") + "RSET\r\n";  // 9 octets a line, undone
    BOOST_TEST(dialogue.send_in_pieces(content + ".\r\nNOOP\r\n", piece) ==
               "250 2.0.0 <a@x.example> delivered\r\n"
               "250 2.0.0 <b@x.example> delivered\r\n250 2.0.0 ok\r\n");

    dialogue.send(envelope_of({"a@x.example", "b@x.example", "a@x.example"}) + "DATA\r\n");
    content = repeat(200, "..234567\r\n") + "RSET\r\n";
    BOOST_TEST(dialogue.send_in_pieces(content + ".\r\nNOOP\r\n", piece) ==
               "552 5.3.4 message of 1806 octets exceeds the limit of 1000\r\n"
               "552 5.3.4 message of 1806 octets exceeds the limit of 1000\r\n"
               "552 5.3.4 message of 1806 octets exceeds the limit of 1000\r\n"
               "250 2.0.0 ok\r\n");
    BOOST_TEST(dialogue.last().dropped);
    BOOST_TEST(dialogue.last().copies.empty());
    BOOST_TEST(dialogue.last().content.size() < 1400u);
  }
}

// RFC 1870 5: the size counts CRLFs, and neither stuffed dots nor the end.
BOOST_AUTO_TEST_CASE(the_limit_is_met_to_the_octet_X4) {
  auto options = plain_options();
  options.max_message_size = 100;
  for (std::size_t size : {99u, 100u, 101u}) {
    Dialogue dialogue(options);
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    auto content = ".." + std::string(size - 3, 'x') + "\r\n";
    BOOST_TEST(codes(dialogue.send(content + ".\r\n")) == (size > 100 ? "552 5.3.4" : "250 2.0.0"));
  }
}

// A lie about the size changes nothing.
BOOST_AUTO_TEST_CASE(a_message_may_be_larger_than_declared_X4) {
  Dialogue dialogue;
  dialogue.send(hello() + "MAIL FROM:<> SIZE=1\r\nRCPT TO:<a@x.example>\r\nDATA\r\n");
  BOOST_TEST(codes(dialogue.send("Subject: x\r\n.\r\n")) == "250 2.0.0");
}

BOOST_AUTO_TEST_CASE(after_a_failure_to_store_the_content_is_read_to_its_end_R5_L4) {
  for (std::size_t behind : {0u, 100u, 300u}) {
    Dialogue dialogue;
    dialogue.fail_storing = behind;
    dialogue.send(hello() + envelope_of({"a@x.example", "b@x.example", "a@x.example"}) +
                  "DATA\r\n");
    auto replies = dialogue.send_in_pieces(repeat(50, "0123456789\r\n") + ".\r\nNOOP\r\n", 64);
    BOOST_TEST(codes(replies) == "452 4.3.1, 452 4.3.1, 452 4.3.1, 250 2.0.0");
    BOOST_TEST(dialogue.last().copies.empty());
    // And the next message has its own luck.
    dialogue.fail_storing.reset();
    BOOST_TEST(codes(dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n")) ==
               "250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
  }
}

BOOST_AUTO_TEST_CASE(a_failure_at_the_end_is_told_to_every_recipient_R5_L4) {
  Dialogue dialogue;
  dialogue.fail_at_end = reply_to({EIO, "fsync", ""});
  dialogue.send(hello() + envelope_of({"a@x.example", "b@x.example", "a@x.example"}) + "DATA\r\n");
  BOOST_TEST(codes(dialogue.send("Delivered-To: b@x.example\r\n\r\n.\r\nNOOP\r\n")) ==
             "451 4.3.0, 554 5.4.6, 451 4.3.0, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(where_no_content_can_be_stored_data_is_refused_R5) {
  Dialogue dialogue;
  dialogue.refuse_content = reply_to({ENOSPC, "open", ""});
  dialogue.send(hello() + envelope_of({kRcpt}));
  BOOST_TEST(codes(dialogue.send("DATA\r\n")) == "452 4.3.1");
  BOOST_TEST(!dialogue.session().in_content());
  dialogue.refuse_content.reset();
  BOOST_TEST(codes(dialogue.send("DATA\r\n\r\n.\r\n")) == "354, 250 2.0.0");
}

BOOST_AUTO_TEST_SUITE_END()
