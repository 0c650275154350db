// The scoreboard: entries and counters.
#include <boost/test/unit_test.hpp>
#include <limits>
#include <memory>
#include <thread>

#include "board/slot_writer.hh"
#include "board/totals.hh"

using namespace handoff::board;

namespace {

struct Fixture {
  Board board = std::move(Board::create(8)).value();
  std::unique_ptr<SlotWriter> slot_writer(std::size_t index) {
    board.take(index);
    return std::make_unique<SlotWriter>(board, index);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(board_slot_writer, Fixture)

BOOST_AUTO_TEST_CASE(a_state_keeps_its_time_while_progress_continues) {
  auto one = slot_writer(0);
  BOOST_CHECK(one->enter(State::kData) == State::kStarting);
  auto& slot = board.slot(0);
  slot.since = 1;
  slot.progress = 1;
  one->enter(State::kData);
  BOOST_TEST(slot.since == 1U);
  BOOST_TEST(slot.progress > 1U);
}

BOOST_AUTO_TEST_CASE(each_reply_is_counted_once_by_its_last_line) {
  auto one = slot_writer(0);
  one->count_replies("250-a\r\n250-b\r\n250 c\r\n250 d\r\n999 odd\r\n");
  Totals totals;
  totals.add(board.slot(0));
  BOOST_TEST(totals.replies[3] == 2U);
  BOOST_TEST(totals.replies.back() == 1U);
}

BOOST_AUTO_TEST_CASE(deliveries_to_a_mailbox_at_a_time_are_limited) {
  auto a = slot_writer(0);
  auto b = slot_writer(1);
  auto c = slot_writer(2);
  auto key = key_of("example.org/pat");
  BOOST_TEST(a->enter_mailbox(key, 2));
  BOOST_TEST(b->enter_mailbox(key, 2));
  BOOST_TEST(c->is_crowded(key, 2));
  BOOST_TEST(!c->enter_mailbox(key, 2));
  BOOST_TEST(c->enter_mailbox(key_of("example.org/lee"), 2));
  a->leave_mailbox();
  BOOST_TEST(c->enter_mailbox(key, 2));
}

BOOST_AUTO_TEST_CASE(a_limit_of_0_means_no_limit) {
  auto a = slot_writer(0);
  auto b = slot_writer(1);
  BOOST_TEST(a->enter_mailbox(7, 0));
  BOOST_TEST(!b->is_crowded(7, 0));
  BOOST_TEST(b->enter_mailbox(7, 0));
}

BOOST_AUTO_TEST_CASE(simultaneous_claims_are_counted_exactly) {
  for (bool earlier : {true, false}) {
    board.take(0);
    board.take(1);
    // The slot is in use but has no number yet.
    board.slot(0).mailbox.key = 7;
    std::thread other([&] {
      board.slot(0).mailbox.since = earlier ? 1 : std::numeric_limits<std::uint64_t>::max() - 1;
    });
    BOOST_TEST(SlotWriter(board, 1).enter_mailbox(7, 1) == !earlier);
    other.join();
  }
}

BOOST_AUTO_TEST_CASE(only_a_delivery_that_takes_too_long_counts_against_the_mailbox) {
  board.take(0);
  auto other = slot_writer(1);
  SlotWriter::Slowness slowness{std::chrono::milliseconds(10), {1, std::chrono::milliseconds(100)}};
  board.slot(0).mailbox.key = 7;  // without a number yet
  BOOST_TEST(!other->is_put_off(7, slowness));
  board.slot(0).mailbox.since = 1;
  BOOST_TEST(other->is_put_off(7, slowness));
  BOOST_TEST(!other->is_put_off(8, slowness));
}

BOOST_AUTO_TEST_CASE(the_number_of_workers_for_a_client_is_limited_S14) {
  auto a = slot_writer(0);
  auto b = slot_writer(1);
  auto c = slot_writer(2);
  BOOST_TEST(a->enter_client(7, 2));
  BOOST_TEST(b->enter_client(7, 2));
  BOOST_TEST(!c->enter_client(7, 2));
  BOOST_TEST(!c->enter_client(7, 2));  // the refused one did not count
  BOOST_TEST(c->enter_client(8, 2));
  c->leave_client();
  BOOST_TEST(c->enter_client(7, 0));
  c->leave_client();
  a->leave_client();
  BOOST_TEST(c->enter_client(7, 2));
  BOOST_TEST(c->enter_mailbox(7, 1));  // mailboxes and clients are counted apart
}

BOOST_AUTO_TEST_CASE(a_reused_slot_claims_no_mailbox) {
  auto a = slot_writer(0);
  auto b = slot_writer(1);
  BOOST_TEST(a->enter_mailbox(7, 1));
  board.take(0);
  BOOST_TEST(b->enter_mailbox(7, 1));
}

BOOST_AUTO_TEST_CASE(
    a_mailbox_that_one_worker_finds_slow_is_refused_by_all_until_one_finds_it_quick) {
  auto a = slot_writer(0);
  auto b = slot_writer(1);
  using std::chrono::milliseconds;
  SlotWriter::Slowness slowness{milliseconds(10), {2, std::chrono::hours(1)}};
  BOOST_TEST(!a->delivery_took(7, milliseconds(11), slowness));
  BOOST_TEST(b->delivery_took(7, milliseconds(11), slowness));
  BOOST_TEST(a->is_put_off(7, slowness));
  BOOST_TEST(!a->is_put_off(8, slowness));
  board.take(1);  // its worker has ended
  BOOST_TEST(a->is_put_off(7, slowness));
  BOOST_TEST(!a->delivery_took(7, milliseconds(1), slowness));
  BOOST_TEST(!b->is_put_off(7, slowness));
}

BOOST_AUTO_TEST_CASE(times_are_counted_in_buckets_and_quantiles_are_interpolated) {
  using std::chrono::microseconds;
  auto one = slot_writer(0);
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

BOOST_AUTO_TEST_CASE(text_that_does_not_fit_is_truncated) {
  SharedText<16> text{};
  text.set("0123456789abcdefgh");
  BOOST_TEST(text.get() == "0123456789abcdef");
  text.set("short");
  BOOST_TEST(text.get() == "short");
  text.set("");
  BOOST_TEST(text.get().empty());
}

BOOST_AUTO_TEST_SUITE_END()
