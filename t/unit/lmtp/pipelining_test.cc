// X1: replies and stored messages do not depend on how the input is split into reads.
#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <random>

#include "base/unicode.hh"
#include "lmtp/dialogue.hh"
#include "lmtp/generator.hh"
#include "lmtp/lock_step.hh"

using namespace handoff::lmtp;
using handoff::escape;

namespace {

// Options that make rare paths frequent, different for each seed.
SessionOptions options_for(unsigned seed) {
  auto options = plain_options();
  options.max_message_size = seed % 3 == 0 ? 60 : 10000;
  options.max_recipients = 3;
  options.max_errors = seed % 5 == 0 ? 3 : 100;
  options.lenient_newlines = seed % 4 == 0;
  options.reject_bare_newlines = seed % 7 == 0;
  options.bare_local = seed % 2 == 0;
  options.delivered_to = handoff::DeliveredTo(seed % 3);
  options.utf8 = handoff::knows_unicode() && seed % 8 < 5;
  options.dsn = seed % 6 < 2;
  options.max_transactions = seed % 17 == 0 ? 2 : 0;
  options.require_auth = seed % 29 == 0;
  return options;
}

SessionPeer peer_for(unsigned seed) {
  auto peer = plain_peer();
  peer.trusted = seed % 10 < 3;
  peer.remote = true;
  peer.mechanisms = seed % 9 < 3 || seed % 29 == 0 ? "PLAIN" : "";
  return peer;
}

// Failures: none for most seeds, otherwise the disk or a quota at some point.
void fail_for(unsigned seed, Dialogue& dialogue) {
  if (seed % 11 == 0) dialogue.fail_storing = 200 + seed % 100;  // disk full while receiving
  if (seed % 13 == 0) dialogue.fail_at_end = reply_to({ENOSPC, "fsync", ""});
  if (seed % 19 == 0) dialogue.refuse_content = reply_to({EDQUOT, "open", ""});
  dialogue.backwards = seed % 23 == 0;
}

Outcome play(unsigned seed, const std::vector<std::string_view>& reads) {
  Dialogue dialogue(options_for(seed), peer_for(seed));
  fail_for(seed, dialogue);
  for (auto octets : reads) dialogue.send(octets);
  return outcome_of(dialogue);
}

// A client waits for each reply and counts the replies: exactly one for each command and, after
// content, one for each accepted RCPT, whatever fails.
Outcome play_in_lock_step(unsigned seed, std::string_view text) {
  auto options = options_for(seed);
  Dialogue dialogue(options, peer_for(seed));
  fail_for(seed, dialogue);
  LockStep(dialogue, options).play(text);
  return outcome_of(dialogue);
}

// Splits the text into reads that end at a line end, as in lock-step.
std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto end = text.find('\n');
    auto n = end == std::string_view::npos ? text.size() : end + 1;
    out.push_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return out;
}

std::vector<std::string_view> pieces(std::string_view text, std::size_t size) {
  std::vector<std::string_view> out;
  for (; !text.empty(); text.remove_prefix(std::min(size, text.size()))) {
    out.push_back(text.substr(0, size));
  }
  return out;
}

std::vector<std::string_view> random_pieces(std::string_view text, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string_view> out;
  while (!text.empty()) {
    auto n = std::min<std::size_t>(text.size(), 1 + random() % 60);
    out.push_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return out;
}

constexpr unsigned kSessions = 20000;
constexpr unsigned kTimedOut = 2000;

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_pipelining)

BOOST_AUTO_TEST_CASE(a_session_in_one_write_equals_the_session_in_lock_step_X1) {
  std::string all = hello() + envelope_of({"a@x.example", "unknown@x.example", "full@x.example"}) +
                    "DATA\r\nSubject: x\r\n\r\n..\r\n.\r\nRSET\r\nMAIL FROM:<>\r\nDATA\r\nQUIT\r\n";
  auto lock_step = play(1, lines(all));
  BOOST_TEST(codes(lock_step.replies) ==
             "220, 250, 250 2.1.0, 250 2.1.5, 550 5.1.1, 250 2.1.5, 354, 250 2.0.0, 452 4.2.2, "
             "250 2.0.0, 250 2.1.0, 503 5.5.1, 221 2.0.0");
  BOOST_CHECK(play(1, {all}) == lock_step);
  BOOST_CHECK(play(1, pieces(all, 1)) == lock_step);
  for (std::size_t at = 1; at < all.size(); ++at) {
    std::string_view text = all;
    BOOST_CHECK(play(1, {text.substr(0, at), text.substr(at)}) == lock_step);
  }
}

BOOST_AUTO_TEST_CASE(generated_sessions_do_not_depend_on_how_they_are_split_X1_X2_X5_L4_L7) {
  std::size_t delivered = 0, dropped = 0, closed = 0, refused = 0, chunked = 0;
  for (unsigned seed = 0; seed < kSessions; ++seed) {
    auto all = Generator(seed).session();
    Outcome expected;
    try {
      expected = play_in_lock_step(seed, all);
    } catch (const std::logic_error& broken) {
      BOOST_ERROR("seed " << seed << ": " << broken.what() << ": " << escape(all));
      continue;
    }
    bool same = play(seed, {all}) == expected && play(seed, random_pieces(all, seed)) == expected &&
                play(seed, pieces(all, 1)) == expected;
    if (!same) BOOST_ERROR("seed " << seed << ": " << escape(all));
    for (const auto& message : expected.messages) {
      delivered += message.copies.size();
      dropped += message.dropped;
    }
    closed += expected.closed;
    refused += expected.replies.find("\r\n552 5.3.4") != std::string::npos;
    chunked += expected.replies.find("octets received") != std::string::npos;
  }
  // The generator must reach the interesting paths.
  BOOST_TEST(delivered > kSessions / 10);
  BOOST_TEST(dropped > kSessions / 20);
  BOOST_TEST(closed > kSessions / 3);
  BOOST_TEST(refused > kSessions / 20);
  BOOST_TEST(chunked > kSessions / 20);
}

// S11, S13: a session that is ended from outside adds one reply and delivers nothing more.
BOOST_AUTO_TEST_CASE(generated_sessions_that_time_out_reply_and_deliver_as_required_X1_S11_S13) {
  std::size_t in_content = 0;
  for (unsigned seed = 0; seed < kTimedOut; ++seed) {
    auto all = Generator(seed).session();
    std::mt19937 random(seed);
    auto part = std::string_view(all).substr(0, random() % (all.size() + 1));
    auto whole = play(seed, {all});
    Dialogue dialogue(options_for(seed), peer_for(seed));
    fail_for(seed, dialogue);
    dialogue.send(part);
    auto before = dialogue.replies;
    if (!dialogue.closed) {
      in_content += dialogue.session().in_content();
      dialogue.time_out();
      if (dialogue.replies !=
          before + "421 4.4.2 mx.example.org waited 300 s for input, closing\r\n")
        BOOST_ERROR("seed " << seed << ": " << escape(dialogue.replies));
    }
    bool due = whole.replies.starts_with(before);
    auto messages = outcome_of(dialogue).messages;
    due = due && messages.size() <= whole.messages.size();
    for (std::size_t i = 0; due && i < messages.size(); ++i) {
      // The last message may be incomplete; then it was not delivered.
      bool unfinished = i + 1 == messages.size() && messages[i].copies.empty();
      due = unfinished || messages[i] == whole.messages[i];
    }
    if (!due) BOOST_ERROR("seed " << seed << ": " << escape(part));
  }
  BOOST_TEST(in_content > kTimedOut / 20);
}

BOOST_AUTO_TEST_CASE(short_generated_sessions_are_the_same_at_every_split_X1) {
  std::size_t splits = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    auto all = Generator(seed).session();
    std::string_view text = all;
    auto expected = play(seed, {text});
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (play(seed, {text.substr(0, at), text.substr(at)}) != expected) {
        BOOST_ERROR("seed " << seed << " at " << at << ": " << escape(all));
      }
      ++splits;
    }
  }
  BOOST_TEST(splits > 1000u);
}

// Content cannot be executed as commands.
BOOST_AUTO_TEST_CASE(the_octets_of_a_refused_chunk_are_not_run_as_commands_X5) {
  std::string all = hello() +
                    "BDAT 12 LAST\r\nRSET\r\nQUIT\r\nBDAT 0\r\nMAIL FROM:<>\r\n"
                    "BDAT 6\r\nQUIT\r\nBDAT 6 LUST\r\nQUIT\r\nNOOP\r\n";
  for (std::size_t piece : {std::size_t{1}, std::size_t{13}, all.size()}) {
    Dialogue dialogue;
    dialogue.send_in_pieces(all, piece);
    BOOST_TEST(codes(dialogue.replies) ==
               "220, 250, 503 5.5.1, 503 5.5.1, 250 2.1.0, 503 5.5.1, 501 5.5.4, 250 2.0.0");
  }
}

BOOST_AUTO_TEST_CASE(bdat_last_has_one_reply_for_each_accepted_rcpt_L7) {
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\nRCPT TO:<unknown@x.example>\r\n"
                                 "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")) ==
             "250 2.1.0, 550 5.1.1, 250 2.0.0");
  BOOST_TEST(codes(dialogue.send(envelope_of({"a@x.example", "full@x.example", "a@x.example"}) +
                                 "BDAT 3\r\n.\r\nBDAT 3 LAST\r\n.\r\nNOOP\r\n")) ==
             "250 2.1.0, 250 2.1.5, 250 2.1.5, 250 2.1.5, 250 2.0.0, 250 2.0.0, 452 4.2.2, "
             "250 2.0.0, 250 2.0.0");
  BOOST_TEST(dialogue.last().body() == ".\r\n.\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
