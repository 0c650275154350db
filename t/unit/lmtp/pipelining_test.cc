// X1: what a session says and stores is the same however its octets are cut into reads.
#include <boost/test/unit_test.hpp>

#include "lmtp/dialogue.hh"
#include "lmtp/generator.hh"

using namespace handoff::lmtp;
using handoff::escape;

namespace {

// Options that make rare paths common; another set for each seed.
SessionOptions options_for(unsigned seed) {
  auto options = plain_options();
  options.max_message_size = seed % 3 == 0 ? 60 : 10000;
  options.max_recipients = 3;
  options.max_errors = seed % 5 == 0 ? 3 : 100;
  options.lenient_newlines = seed % 4 == 0;
  options.reject_bare_newlines = seed % 7 == 0;
  options.bare_local = seed % 2 == 0;
  options.delivered_to = DeliveredTo(seed % 3);
  return options;
}

std::optional<std::size_t> failure_for(unsigned seed) {
  return seed % 11 == 0 ? std::optional<std::size_t>(250) : std::nullopt;
}

struct Outcome {
  std::string replies;
  std::vector<Message> messages;
  bool closed;
  bool operator==(const Outcome&) const = default;
};

Outcome play(unsigned seed, const std::vector<std::string_view>& reads) {
  Dialogue dialogue(options_for(seed));
  dialogue.fail_storing = failure_for(seed);
  for (auto octets : reads) dialogue.send(octets);
  // Where storing fails depends on the reads; what had been stored by then is thrown away.
  for (auto& message : dialogue.messages) {
    if (message.dropped) message.content.clear();
  }
  return {dialogue.replies, dialogue.messages, dialogue.closed};
}

// In reads that end with a line, as in lock-step.
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

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_pipelining)

BOOST_AUTO_TEST_CASE(a_session_in_one_write_is_that_of_lock_step_X1) {
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

BOOST_AUTO_TEST_CASE(generated_sessions_are_the_same_however_they_are_cut_X1_X2) {
  std::size_t delivered = 0, dropped = 0, closed = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    auto all = Generator(seed).session();
    auto lock_step = play(seed, lines(all));
    bool same = play(seed, {all}) == lock_step && play(seed, pieces(all, 1)) == lock_step &&
                play(seed, pieces(all, 2 + seed % 60)) == lock_step;
    if (!same) BOOST_ERROR("seed " << seed << ": " << escape(all));
    for (const auto& message : lock_step.messages) {
      delivered += message.copies.size();
      dropped += message.dropped;
    }
    closed += lock_step.closed;
  }
  // The generator must go where things happen.
  BOOST_TEST(delivered > 1000u);
  BOOST_TEST(dropped > 100u);
  BOOST_TEST(closed > 1000u);
}

BOOST_AUTO_TEST_CASE(generated_sessions_are_the_same_at_every_split_X1) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    auto all = Generator(seed).session();
    std::string_view text = all;
    auto expected = play(seed, {text});
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (play(seed, {text.substr(0, at), text.substr(at)}) != expected) {
        BOOST_ERROR("seed " << seed << " at " << at << ": " << escape(all));
      }
    }
  }
}

// No way to have content run as commands.
BOOST_AUTO_TEST_CASE(the_octets_of_a_refused_chunk_are_no_commands_X5) {
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

BOOST_AUTO_TEST_CASE(bdat_last_has_a_reply_for_each_rcpt_and_none_where_there_is_none_L7) {
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
