// The circuit breaker for mailboxes: mail for a mailbox that was slow several times in a row is
// deferred for a while.
#include "board/slow_mailboxes.hh"

#include <boost/test/unit_test.hpp>

#include "board/board.hh"

using namespace handoff::board;

namespace {

constexpr SlowPolicy kThrice{3, std::chrono::milliseconds(100)};

struct Table {
  Table() { board.take(0); }
  Board board = std::move(Board::create(1)).value();
  SlowMailboxes mailboxes{board, 0};
  bool is_refused(std::uint64_t mailbox, std::uint64_t now) const {
    return mailboxes.is_refused(mailbox, kThrice, now);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(board_slow_mailboxes)

BOOST_AUTO_TEST_CASE(after_consecutive_slow_deliveries_a_mailbox_is_refused_for_the_pause) {
  Table table;
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1000));
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1001));
  BOOST_TEST(!table.is_refused(7, 1001));
  BOOST_TEST(table.mailboxes.ended(7, true, kThrice, 1002));
  BOOST_TEST(table.is_refused(7, 1002));
  BOOST_TEST(table.is_refused(7, 1101));
  BOOST_TEST(!table.is_refused(7, 1102));
  BOOST_TEST(!table.is_refused(8, 1002));
}

BOOST_AUTO_TEST_CASE(a_fast_delivery_resets_the_count) {
  Table table;
  table.mailboxes.ended(7, true, kThrice, 1000);
  table.mailboxes.ended(7, true, kThrice, 1000);
  table.mailboxes.ended(7, false, kThrice, 1000);
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1000));
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1000));
  BOOST_TEST(table.mailboxes.ended(7, true, kThrice, 1000));
}

BOOST_AUTO_TEST_CASE(after_the_pause_one_more_slow_delivery_is_enough) {
  Table table;
  for (int i = 0; i < 3; ++i) table.mailboxes.ended(7, true, kThrice, 1000);
  BOOST_TEST(!table.is_refused(7, 2000));
  BOOST_TEST(table.mailboxes.ended(7, true, kThrice, 2000));
  BOOST_TEST(table.is_refused(7, 2050));
  table.mailboxes.ended(7, false, kThrice, 2060);
  BOOST_TEST(!table.is_refused(7, 2061));
}

BOOST_AUTO_TEST_CASE(a_refused_mailbox_stays_refused_if_another_shares_its_entry) {
  Table table;
  for (int i = 0; i < 3; ++i) table.mailboxes.ended(7, true, kThrice, 1000);
  BOOST_TEST(!table.mailboxes.ended(7 + 32, true, kThrice, 1001));
  table.mailboxes.ended(7 + 32, false, kThrice, 1001);
  BOOST_TEST(table.is_refused(7, 1002));
  BOOST_TEST(!table.mailboxes.ended(7 + 32, true, kThrice, 1101));
  BOOST_TEST(!table.is_refused(7, 1101));
}

BOOST_AUTO_TEST_CASE(without_a_limit_nobody_is_refused) {
  Table table;
  SlowPolicy none{0, std::chrono::hours(1)};
  for (int i = 0; i < 9; ++i) table.mailboxes.ended(7, true, none, 1000);
  BOOST_TEST(!table.mailboxes.is_refused(7, none, 1001));
}

BOOST_AUTO_TEST_CASE(a_forged_entry_cannot_refuse_a_mailbox_for_longer_than_the_pause) {
  Table table;
  auto& entry = table.board.slow_mailboxes(0)[7];
  entry.mailbox = 7;
  entry.times = 1000;
  entry.slow_at = 1000;
  entry.until = 1u << 30;
  BOOST_TEST(!table.is_refused(7, 1000));
}

BOOST_AUTO_TEST_SUITE_END()
