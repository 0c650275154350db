// The scoreboard: what is written, counted and kept apart.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <thread>

#include "board/scribe.hh"
#include "board/totals.hh"

using namespace handoff::board;

namespace {

struct Fixture {
  Board board = std::move(Board::create(8)).value();
  std::unique_ptr<Scribe> scribe(std::size_t index) {
    board.take(index);
    return std::make_unique<Scribe>(board.slot(index), board);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(board_scribe, Fixture)

BOOST_AUTO_TEST_CASE(a_state_keeps_its_time_while_progress_goes_on) {
  auto one = scribe(0);
  BOOST_CHECK(one->enter(State::kData) == State::kStarting);
  auto& slot = board.slot(0);
  slot.since = 1;
  slot.progress = 1;
  one->enter(State::kData);
  BOOST_TEST(slot.since == 1U);
  BOOST_TEST(slot.progress > 1U);
}

BOOST_AUTO_TEST_CASE(replies_are_counted_once_each_by_the_last_of_their_lines) {
  auto one = scribe(0);
  one->count_replies("250-a\r\n250-b\r\n250 c\r\n250 d\r\n999 odd\r\n");
  Totals totals;
  totals.add(board.slot(0));
  BOOST_TEST(totals.replies[3] == 2U);
  BOOST_TEST(totals.replies.back() == 1U);
}

BOOST_AUTO_TEST_CASE(a_mailbox_takes_as_many_as_it_may_and_one_more_when_one_has_left) {
  auto a = scribe(0);
  auto b = scribe(1);
  auto c = scribe(2);
  auto key = mailbox_key("example.org/pat");
  BOOST_TEST(a->enter_mailbox(key, 2));
  BOOST_TEST(b->enter_mailbox(key, 2));
  BOOST_TEST(c->is_crowded(key, 2));
  BOOST_TEST(!c->enter_mailbox(key, 2));
  BOOST_TEST(c->enter_mailbox(mailbox_key("example.org/lee"), 2));
  a->leave_mailbox();
  BOOST_TEST(c->enter_mailbox(key, 2));
}

BOOST_AUTO_TEST_CASE(a_limit_of_0_is_none) {
  auto a = scribe(0);
  auto b = scribe(1);
  BOOST_TEST(a->enter_mailbox(7, 0));
  BOOST_TEST(!b->is_crowded(7, 0));
  BOOST_TEST(b->enter_mailbox(7, 0));
}

BOOST_AUTO_TEST_CASE(who_begins_in_the_same_moment_is_waited_for_and_counted_rightly) {
  for (bool earlier : {true, false}) {
    board.take(0);
    board.take(1);
    // It shows that it is there, and has no number yet.
    board.slot(0).mailbox = 7;
    std::thread other([&] {
      board.slot(0).mailbox_since = earlier ? 1 : std::numeric_limits<std::uint64_t>::max() - 1;
    });
    BOOST_TEST(Scribe(board.slot(1), board).enter_mailbox(7, 1) == !earlier);
    other.join();
  }
}

BOOST_AUTO_TEST_CASE(who_is_in_a_mailbox_for_too_long_puts_it_off_and_who_comes_just_now_does_not) {
  board.take(0);
  auto other = scribe(1);
  Scribe::Slowness slowness{std::chrono::milliseconds(10), {1, std::chrono::milliseconds(100)}};
  board.slot(0).mailbox = 7;  // it has no number yet
  BOOST_TEST(!other->is_put_off(7, slowness));
  board.slot(0).mailbox_since = 1;
  BOOST_TEST(other->is_put_off(7, slowness));
  BOOST_TEST(!other->is_put_off(8, slowness));
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_taken_again_holds_no_mailbox) {
  auto a = scribe(0);
  auto b = scribe(1);
  BOOST_TEST(a->enter_mailbox(7, 1));
  board.take(0);
  BOOST_TEST(b->enter_mailbox(7, 1));
}

BOOST_AUTO_TEST_CASE(times_fall_into_their_buckets_and_quantiles_between_bounds) {
  using std::chrono::microseconds;
  auto one = scribe(0);
  for (int i = 0; i < 90; ++i) one->observe(Stage::kSync, microseconds(400));
  for (int i = 0; i < 10; ++i) one->observe(Stage::kSync, microseconds(20'000));
  Totals totals;
  totals.add(board.slot(0));
  const auto& d = totals[Stage::kSync];
  BOOST_TEST(d.count() == 100U);
  BOOST_TEST(d.sum == 90U * 400 + 10U * 20'000);
  BOOST_TEST(d.quantile(0.5) > 250);
  BOOST_TEST(d.quantile(0.5) <= 500);
  BOOST_TEST(d.quantile(0.99) > 10'000);
  BOOST_TEST(d.quantile(0.99) <= 25'000);
  BOOST_TEST(Distribution().quantile(0.5) == 0);
}

BOOST_AUTO_TEST_CASE(text_is_cut_where_it_does_not_fit) {
  SharedText<16> text{};
  text.set("0123456789abcdefgh");
  BOOST_TEST(text.get() == "0123456789abcdef");
  text.set("short");
  BOOST_TEST(text.get() == "short");
  text.set("");
  BOOST_TEST(text.get().empty());
}

BOOST_AUTO_TEST_SUITE_END()
