// Stored content: the octets that were sent, after the trace header; and cases in which nothing is
// stored.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <ctime>

#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;
using handoff::escape;

namespace {

// Returns a message with this content (with dots stuffed), delivered to `recipients`.
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

// Returns the codes of the replies to a message with this content.
std::string codes_of(std::string_view content,
                     const std::vector<std::string>& recipients = {kRcpt}) {
  Dialogue dialogue;
  dialogue.send(hello() + envelope_of(recipients) + "DATA\r\n");
  return codes(dialogue.send(std::string(content) + ".\r\n"));
}

// Returns the processor seconds for a message with many fields Delivered-To:.
double seconds_to_read(std::size_t recipients) {
  std::vector<std::string> to;
  for (std::size_t i = 0; i < recipients; ++i)
    to.push_back("user" + std::to_string(i) + "@x.example");
  Dialogue dialogue;
  dialogue.send(hello() + envelope_of(to) + "DATA\r\n");
  auto content = repeat(20'000, "Delivered-To: user-of-a-list@x.example\r\n");
  auto before = std::clock();
  dialogue.send(content);
  return static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
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

BOOST_AUTO_TEST_CASE(a_line_that_is_not_a_field_begins_the_body_S8_S10) {
  const std::string longest(40, 'n');
  for (const std::string& first : {std::string("Dear Pat"), std::string("word\t \tand word: x"),
                                   longest, longest + " x:y", std::string(": x"),
                                   std::string("Gr\xc3\xbc\xc3\x9f"
                                               "e: x"),
                                   std::string("a\x01: x")}) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      auto content = first + "\r\nReturn-Path: <old@x>\r\nDelivered-To: " + kRcpt + "\r\nfoo\r\n";
      Dialogue dialogue;
      dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
      dialogue.send_in_pieces(content + ".\r\n", piece);
      BOOST_TEST(dialogue.last().body() == content);
    }
    BOOST_TEST(codes_of(first + "\r\n" + repeat(101, "Received: packet\r\n")) == "250 2.0.0");
  }
  // These do not match.
  for (const std::string& first :
       {longest + ": x", longest + " \t: x", std::string("From pat@x.example Mon Nov 2 2026"),
        std::string("A: b\r\n c")}) {
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

BOOST_AUTO_TEST_CASE(a_line_of_a_megabyte_passes_and_is_not_buffered_S8) {
  for (std::string before : {"", "X: ", "\r\n", "Message-ID: ", "Received: "}) {
    auto content = before + std::string(1 << 20, 'x') + "\xff\r\n";
    Dialogue dialogue;
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    BOOST_TEST(codes(dialogue.send_in_pieces(content + ".\r\n", 1021)) == "250 2.0.0");
    BOOST_CHECK(dialogue.last().body() == content);
    BOOST_TEST(dialogue.most_held <= 998u);  // the first line, until it turns out not to be a field
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

BOOST_AUTO_TEST_CASE(the_trace_header_comes_first_S9) {
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

// RFC 5321 7.2: otherwise each recipient would learn about the others.
BOOST_AUTO_TEST_CASE(received_contains_for_only_with_one_recipient_S9) {
  auto says_for = [](const std::vector<std::string>& recipients) {
    return deliver("\r\n", recipients).trace().find("for <") != std::string::npos;
  };
  BOOST_TEST(says_for({"a@x.example"}));
  BOOST_TEST(says_for({"a@x.example", "unknown@x.example"}));
  BOOST_TEST(!says_for({"a@x.example", "b@x.example"}));
  BOOST_TEST(!says_for({"a@x.example", "A@x.example"}));
}

BOOST_AUTO_TEST_CASE(delivered_to_is_written_as_configured_S9) {
  auto lines = [](handoff::DeliveredTo setting, const std::vector<std::string>& recipients) {
    auto options = plain_options();
    options.delivered_to = setting;
    auto message = deliver("\r\n", recipients, options);
    std::string out;
    bool shared = message.trace().find("Delivered-To: ") != std::string::npos;
    if (shared) out = "shared ";
    for (const auto& copy : message.copies) out += copy.header;
    return out;
  };
  using enum handoff::DeliveredTo;
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

BOOST_AUTO_TEST_CASE(an_existing_return_path_is_removed_however_it_is_split_S9) {
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

// Postfix and Exim do the same. Without the line, readers take the first line for a part of
// handoff's header.
BOOST_AUTO_TEST_CASE(content_without_a_header_gets_a_blank_line_first_S8_S9) {
  struct Row {
    std::string content;
    bool blank_line;
  };
  const std::string word(40, 'n');
  const std::string longest(2000, 'n');
  for (const auto& row : std::vector<Row>{
           {"hello\r\n", true},
           {"hello\r\n\r\nX: y\r\n", true},
           {"hello world\r\nSubject: x\r\n", true},
           {"hello world: and more\r\n", true},
           {word + "\r\n", true},
           {longest + "\r\n", true},
           {longest + ": x\r\n", true},  // not a field, because a line has at most 998 octets
           {" folded\r\n", true},
           {"\tfolded\r\n", true},
           {"   \r\nX: y\r\n", true},
           {"From my point of view\r\n", true},
           {"From pat@x.example\r\n", true},
           {"From pat@x.example Thu Jan  1 00:00:00 2026\r\nSubject: x\r\n\r\n", false},
           {">From pat@x.example Thu Jan  1 00:00:00 2026\r\nSubject: x\r\n\r\n", false},
           {"From: pat@x.example\r\n\r\n", false},
           {"", false},
           {"\r\n", false},
           {"\r\nhello\r\n", false},
           {"X:\r\n\r\n", false},
           {"Subject : x\r\n\r\n", false},
           {word + ": x\r\n\r\n", false},
           {word + " \t : x\r\n\r\n", false},
           // Names that are empty, or have octets other than printable ASCII.
           {":-) hello\r\n", true},
           {": hello\r\n", true},
           {"Gr\xc3\xbc\xc3\x9f"
            "e: x\r\n",
            true},
           {"a\x01: x\r\n", true},
           {"a\x7f: x\r\n", true},
           {"a\r: x\r\n", true},
           {"\rX: y\r\n", true},
           {"From : pat@x.example\r\n\r\n", false},
       }) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{10000}}) {
      Dialogue dialogue;
      dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
      dialogue.send_in_pieces(row.content + ".\r\n", piece);
      const auto& message = dialogue.last();
      BOOST_TEST(message.blank_line == row.blank_line, escape(row.content));
      BOOST_TEST(message.trace().ends_with("\r\n\r\n") == row.blank_line, escape(row.content));
      BOOST_TEST(message.body().size() >=
                 (row.content.starts_with("Return-Path") ? 7u : row.content.size()));
    }
  }
  // A chunk need not end in a line end.
  Dialogue dialogue;
  dialogue.send(hello() + envelope_of({kRcpt}) + "BDAT 5 LAST\r\nhello");
  BOOST_TEST(dialogue.last().trace().ends_with("\r\n\r\n"));
  BOOST_TEST(dialogue.last().body() == "hello");
  // X6: BINARYMIME is stored unchanged.
  Dialogue binary;
  binary.send(hello() + "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@x.example>\r\n");
  binary.send("BDAT 5 LAST\r\nhello");
  BOOST_TEST(!binary.last().blank_line);
}

// RFC 5322 2.1 requires the empty line, but programs forget it.
BOOST_AUTO_TEST_CASE(a_header_that_ends_at_text_gets_a_blank_line_S8_S9) {
  struct Row {
    std::string header, body;
    std::string kept = header;
  };
  const std::string mbox = "From pat@x.example Thu Jan  1 00:00:00 2026\r\n";
  const std::string longest(2000, 'n');
  const std::string folded = "X: " + longest + "\r\n " + longest + ": y\r\n";
  for (const auto& row : std::vector<Row>{
           {"X: y\r\n", "hello\r\n"},
           {"X: y\r\n", "hello world: x\r\n"},
           {"X: y\r\n", ":-)\r\n"},
           {"X: y\r\n",
            "Gr\xc3\xbc\xc3\x9f"
            "e: x\r\n"},
           {"X: y\r\n", longest + ": x\r\n"},
           {"X: y\r\n", "From my point of view\r\n"},
           {"X: y\r\n", "\rhello\r\n"},
           {"X: y\r\n z\r\n", "hello\r\n\r\nReturn-Path: <x>\r\n"},
           {folded, "hello\r\n"},
           {mbox, "hello\r\n"},
           {">" + mbox + "X: y\r\n" + mbox, "hello\r\n"},
           {"Return-Path: <old@x>\r\n", "hello\r\n", ""},
           {"Return-Path: <old@x>\r\n y\r\nX: y\r\n", "hello\r\n", "X: y\r\n"},
           {"X: y\r\nReturn-Path: <old@x>\r\n", "hello\r\n", "X: y\r\n"},
       }) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{10000}}) {
      Dialogue dialogue;
      dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
      dialogue.send_in_pieces(row.header + row.body + ".\r\n", piece);
      BOOST_TEST(escape(dialogue.last().body()) == escape(row.kept + "\r\n" + row.body));
      BOOST_TEST(!dialogue.last().blank_line);
    }
  }
  // Whole headers, and a body that looks like a header.
  for (const std::string& content :
       {mbox + "X: y\r\n\r\nhello\r\n", "X: y\r\n" + mbox + "Y: z\r\n\r\nhello\r\n",
        std::string("X: y\r\n\r\nhello\r\nZ\r\n"), std::string("X: y\r\n"), folded}) {
    BOOST_TEST(escape(deliver(content).body()) == escape(content));
  }
  // A chunk need not end in a line end.
  Dialogue dialogue;
  dialogue.send(hello() + envelope_of({kRcpt}) + "BDAT 11 LAST\r\nX: y\r\nhello");
  BOOST_TEST(dialogue.last().body() == "X: y\r\n\r\nhello");
  Dialogue binary;
  binary.send(hello() + "MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<a@x.example>\r\n");
  binary.send("BDAT 11 LAST\r\nX: y\r\nhello");
  BOOST_TEST(binary.last().body() == "X: y\r\nhello");
}

// The work per octet must not grow with the number of blanks before a colon.
BOOST_AUTO_TEST_CASE(blanks_before_colons_cost_no_more_than_other_octets_S8) {
  auto line = "X" + std::string(900, ' ') + ":\r\n";
  auto content = repeat(2000, line) + "\r\n";
  BOOST_CHECK(deliver(content).body() == content);
}

BOOST_AUTO_TEST_CASE(a_hundred_hops_are_accepted_and_one_more_is_a_loop_S10) {
  auto received = [](std::size_t n) { return repeat(n, "Received: by a\r\n id b; date\r\n"); };
  BOOST_TEST(codes_of(received(100) + "\r\n") == "250 2.0.0");
  BOOST_TEST(codes_of(received(101) + "\r\n", {"a@x.example", "b@x.example"}) ==
             "554 5.4.6, 554 5.4.6");
  BOOST_TEST(codes_of(received(100) + "RECEIVED : x\r\n") == "554 5.4.6");
  // Only Received: lines in the header count.
  BOOST_TEST(codes_of(received(100) + "Receiveds: x\r\nX: y\r\n Received: z\r\n\r\n" +
                      received(9)) == "250 2.0.0");
}

BOOST_AUTO_TEST_CASE(a_message_with_too_many_hops_is_dropped_S10) {
  auto message = deliver(repeat(101, "Received: x\r\n"));
  BOOST_TEST(message.dropped);
  BOOST_TEST(message.copies.empty());
}

BOOST_AUTO_TEST_CASE(only_a_mailbox_that_had_the_message_too_often_refuses_it_S10) {
  Dialogue dialogue;
  dialogue.send(hello() +
                envelope_of({"a@x.example", "b@x.example", "c@x.example", "b@x.example"}) +
                "DATA\r\n");
  auto refused = "554 5.4.6 <b@x.example> is in more than 5 Delivered-To: lines, a mail loop\r\n";
  BOOST_TEST(dialogue.send(repeat(6, "Delivered-To: B@X.example\r\n") + "\r\n.\r\n") ==
             "250 2.0.0 <a@x.example> delivered\r\n" + std::string(refused) +
                 "250 2.0.0 <c@x.example> delivered\r\n" + refused);
  BOOST_TEST(dialogue.last().copies.size() == 2u);
}

// Anyone who has the message may send it to the same mailbox again.
BOOST_AUTO_TEST_CASE(a_message_that_was_resent_to_its_own_mailbox_is_not_a_loop_S10) {
  const std::string to = "Delivered-To: a@x.example\r\n";
  const std::string theirs =
      "Received: from localhost\r\n\tby mx (OpenSMTPD) with ESMTP id 1; x\r\n";
  const std::string ours =
      "Received: from mx\r\n\tby x (handoff) with LMTP id 2\r\n\tfor <a>; x\r\n";
  for (const auto& resent : {to + theirs, to + ours + "\r\n", theirs + to + ours + "\r\n",
                             "Resent-To: a@x.example\r\n" + theirs + to + ours + "\r\n",
                             // The queue manager writes Delivered-To: too, and this message was
                             // resent twice.
                             to + theirs + to + to + ours + theirs + to + to + ours + "\r\n"}) {
    BOOST_TEST(codes_of(resent) == "250 2.0.0", resent);
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_delivered_to_lines_that_make_a_loop_is_a_setting_S10) {
  const std::string to = "Delivered-To: a@x.example\r\n";
  struct Row {
    unsigned most;
    std::size_t lines;
    std::string reply;
  };
  for (const auto& row : std::vector<Row>{{5, 5, "250 2.0.0"},
                                          {5, 6, "554 5.4.6"},
                                          {1, 1, "250 2.0.0"},
                                          {1, 2, "554 5.4.6"},
                                          {0, 100, "250 2.0.0"}}) {
    auto options = plain_options();
    options.max_delivered_to = row.most;
    Dialogue dialogue(options);
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    BOOST_TEST(codes(dialogue.send(repeat(row.lines, to) + "\r\n.\r\n")) == row.reply);
  }
}

BOOST_AUTO_TEST_CASE(a_loop_is_found_in_folded_and_last_fields_at_every_split_S10) {
  auto options = plain_options();
  options.max_delivered_to = 1;
  const std::string to = "Delivered-To: a@x.example\r\n";
  for (std::string header :
       {to + "Delivered-To:\r\n a@x.example\r\n\r\n", to + "delivered-to : a@x.example \r\n\r\n",
        "Delivered-To: z@x.example\r\n" + to + to + "X: y\r\n\r\n",
        to + "Delivered-To:\ta@x.example\r\n"}) {
    for (std::size_t at = 0; at <= header.size(); ++at) {
      Dialogue dialogue(options);
      dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n" + header.substr(0, at));
      BOOST_TEST(codes(dialogue.send(header.substr(at) + ".\r\n")).ends_with("554 5.4.6"), header);
      BOOST_TEST(dialogue.last().dropped);
    }
  }
}

BOOST_AUTO_TEST_CASE(delivered_to_lines_cost_no_more_for_a_thousand_recipients_S10) {
  // Takes the best of three measurements, because other processes disturb them. Before this was
  // fixed, a thousand recipients took 60 times as long as one.
  double one = 1e9;
  double thousand = 1e9;
  for (int i = 0; i < 3; ++i) {
    one = std::min(one, seconds_to_read(1));
    thousand = std::min(thousand, seconds_to_read(1000));
  }
  BOOST_TEST(thousand < 4 * one);
}

BOOST_AUTO_TEST_CASE(delivered_to_of_another_recipient_is_not_a_loop_S10) {
  auto options = plain_options();
  options.max_delivered_to = 1;
  for (std::string content :
       {"Delivered-To: b@x.example\r\n\r\n", "Delivered-To: aa@x.example\r\n\r\n",
        "Delivered-To:\r\n\r\n", "X-Delivered-To: a@x.example\r\n\r\n",
        "\r\nDelivered-To: a@x.example\r\n", "X: y\r\n Delivered-To: a@x.example\r\n\r\n"}) {
    Dialogue dialogue(options);
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    auto reply = dialogue.send("Delivered-To: a@x.example\r\n" + content + ".\r\n");
    BOOST_TEST(codes(reply) == "250 2.0.0", content);
  }
}

BOOST_AUTO_TEST_CASE(message_id_and_queue_id_are_read_from_the_header) {
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
  // As written by Postfix's pickup.
  auto folded = facts("Received: by mx (Postfix, from userid 0)\r\n\tid 4abD0; Thu\r\n\r\n");
  BOOST_TEST(folded.queue_id == "4abD0");
  auto none = facts("Subject: x\r\nReceived: by x\r\n\r\nMessage-ID: <1@x>\r\n");
  BOOST_TEST(none.queue_id == "");
  BOOST_TEST(none.message_id == "");
}

BOOST_AUTO_TEST_CASE(header_facts_are_those_of_the_last_message) {
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
    auto content = repeat(100, "..234567\r\n") + "RSET\r\n";  // 9 octets in each line after
                                                              // unstuffing
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
BOOST_AUTO_TEST_CASE(the_limit_is_exact_to_the_octet_X4) {
  auto options = plain_options();
  options.max_message_size = 100;
  for (std::size_t size : {99u, 100u, 101u}) {
    Dialogue dialogue(options);
    dialogue.send(hello() + envelope_of({kRcpt}) + "DATA\r\n");
    auto content = ".." + std::string(size - 3, 'x') + "\r\n";
    BOOST_TEST(codes(dialogue.send(content + ".\r\n")) == (size > 100 ? "552 5.3.4" : "250 2.0.0"));
  }
}

// A wrong size changes nothing.
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
    // The next message is not affected.
    dialogue.fail_storing.reset();
    BOOST_TEST(codes(dialogue.send(envelope_of({kRcpt}) + "DATA\r\n.\r\n")) ==
               "250 2.1.0, 250 2.1.5, 354, 250 2.0.0");
  }
}

BOOST_AUTO_TEST_CASE(after_a_failure_at_the_end_every_recipient_gets_a_refusal_R5_L4) {
  Dialogue dialogue;
  dialogue.fail_at_end = reply_to({EIO, "fsync", ""});
  dialogue.send(hello() + envelope_of({"a@x.example", "b@x.example", "a@x.example"}) + "DATA\r\n");
  BOOST_TEST(
      codes(dialogue.send(repeat(6, "Delivered-To: b@x.example\r\n") + "\r\n.\r\nNOOP\r\n")) ==
      "451 4.3.0, 554 5.4.6, 451 4.3.0, 250 2.0.0");
}

BOOST_AUTO_TEST_CASE(if_content_cannot_be_stored_data_is_refused_R5) {
  Dialogue dialogue;
  dialogue.refuse_content = reply_to({ENOSPC, "open", ""});
  dialogue.send(hello() + envelope_of({kRcpt}));
  BOOST_TEST(codes(dialogue.send("DATA\r\n")) == "452 4.3.1");
  BOOST_TEST(!dialogue.session().in_content());
  dialogue.refuse_content.reset();
  BOOST_TEST(codes(dialogue.send("DATA\r\n\r\n.\r\n")) == "354, 250 2.0.0");
}

BOOST_AUTO_TEST_SUITE_END()
