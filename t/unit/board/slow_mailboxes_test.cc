// The circuit breaker: a mailbox that was slow several times in a row is put off for a while.
#include "board/slow_mailboxes.hh"

#include <array>
#include <boost/test/unit_test.hpp>

using namespace handoff::board;

namespace {

constexpr SlowPolicy kThrice{3, std::chrono::milliseconds(100)};

struct Table {
  std::array<SlowMailbox, 4> entries{};
  SlowMailboxes mailboxes{entries};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(board_slow_mailboxes)

BOOST_AUTO_TEST_CASE(slow_so_many_times_in_a_row_puts_it_off_for_so_long) {
  Table table;
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1000));
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1001));
  BOOST_TEST(!table.mailboxes.is_put_off(7, 1001));
  BOOST_TEST(table.mailboxes.ended(7, true, kThrice, 1002));
  BOOST_TEST(table.mailboxes.is_put_off(7, 1002));
  BOOST_TEST(table.mailboxes.is_put_off(7, 1101));
  BOOST_TEST(!table.mailboxes.is_put_off(7, 1102));
  BOOST_TEST(!table.mailboxes.is_put_off(8, 1002));
}

BOOST_AUTO_TEST_CASE(one_that_is_not_slow_begins_the_count_anew) {
  Table table;
  table.mailboxes.ended(7, true, kThrice, 1000);
  table.mailboxes.ended(7, true, kThrice, 1000);
  table.mailboxes.ended(7, false, kThrice, 1000);
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1000));
  BOOST_TEST(!table.mailboxes.ended(7, true, kThrice, 1000));
  BOOST_TEST(table.mailboxes.ended(7, true, kThrice, 1000));
}

BOOST_AUTO_TEST_CASE(behind_the_pause_one_more_slow_delivery_is_enough) {
  Table table;
  for (int i = 0; i < 3; ++i) table.mailboxes.ended(7, true, kThrice, 1000);
  BOOST_TEST(!table.mailboxes.is_put_off(7, 2000));
  BOOST_TEST(table.mailboxes.ended(7, true, kThrice, 2000));
  BOOST_TEST(table.mailboxes.is_put_off(7, 2050));
  table.mailboxes.ended(7, false, kThrice, 2060);
  BOOST_TEST(!table.mailboxes.is_put_off(7, 2061));
}

BOOST_AUTO_TEST_CASE(another_mailbox_in_its_place_does_not_let_it_through) {
  Table table;
  for (int i = 0; i < 3; ++i) table.mailboxes.ended(7, true, kThrice, 1000);
  BOOST_TEST(!table.mailboxes.ended(11, true, kThrice, 1001));
  table.mailboxes.ended(11, false, kThrice, 1001);
  BOOST_TEST(table.mailboxes.is_put_off(7, 1002));
  BOOST_TEST(!table.mailboxes.ended(11, true, kThrice, 1101));
  BOOST_TEST(!table.mailboxes.is_put_off(7, 1101));
}

BOOST_AUTO_TEST_CASE(without_a_limit_or_a_table_nobody_is_put_off) {
  Table table;
  for (int i = 0; i < 9; ++i) table.mailboxes.ended(7, true, {0, std::chrono::hours(1)}, 1000);
  BOOST_TEST(!table.mailboxes.is_put_off(7, 1001));
  SlowMailboxes none({});
  BOOST_TEST(!none.ended(7, true, {1, std::chrono::hours(1)}, 1000));
  BOOST_TEST(!none.is_put_off(7, 1001));
}

BOOST_AUTO_TEST_SUITE_END()
