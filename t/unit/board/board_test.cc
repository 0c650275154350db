// The scoreboard: memory that outlives the fork and is shared over it.
#include "board/board.hh"

#include <boost/test/unit_test.hpp>

#include "board/totals.hh"
#include "in_child.hh"

using namespace handoff::board;

BOOST_AUTO_TEST_SUITE(board_board)

BOOST_AUTO_TEST_CASE(slots_begin_as_starting_and_with_nothing_done) {
  auto board = Board::create(1000);
  BOOST_REQUIRE(board.ok());
  BOOST_TEST(board.value().slots().empty());
  for (std::size_t i = 0; i < 1000; ++i) board.value().take(i);
  BOOST_TEST(board.value().slots().size() == 1000u);
  for (const auto& slot : board.value().slots()) {
    BOOST_CHECK(slot.state == State::kStarting);
    BOOST_TEST(slot.counters[0] == 0u);
    BOOST_TEST(slot.failures == 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_a_child_writes_its_parent_sees_after_the_childs_end) {
  auto board = Board::create(2).value();
  board.take(0);
  board.take(1);
  in_child([&]() -> std::string {
    board.slots()[1].state = State::kCommit;
    board.slots()[1].counters[0] += 3;
    board.slots()[1].peer.set("local");
    return "";
  });
  BOOST_CHECK(board.slots()[0].state == State::kStarting);
  BOOST_CHECK(board.slots()[1].state == State::kCommit);
  BOOST_TEST(board.slots()[1].counters[0] == 3u);
  BOOST_TEST(board.slots()[1].peer.get() == "local");
}

BOOST_AUTO_TEST_CASE(a_board_that_was_moved_stays_where_it_is) {
  auto board = Board::create(1).value();
  board.take(0);
  auto* first = &board.slot(0);
  board.slot(0).counters[0] = 7;
  Board moved(std::move(board));
  BOOST_TEST(&moved.slot(0) == first);
  BOOST_TEST(moved.slots()[0].counters[0] == 7u);
}

BOOST_AUTO_TEST_CASE(a_board_that_no_memory_holds_is_an_error) {
  BOOST_TEST(!Board::create(std::size_t{1} << 50).ok());
}

BOOST_AUTO_TEST_CASE(totals_survive_as_text) {
  auto board = Board::create(1).value();
  board.take(0);
  board.slot(0).counters[0] = 7;
  board.slot(0).replies[3] = 8;
  board.slot(0).stages[kStages - 1].buckets[kBuckets - 1] = 9;
  board.slot(0).stages[kStages - 1].sum = 1ULL << 62;
  Totals totals;
  totals.add(board.slot(0));
  auto text = totals.pack();
  auto read = Totals::unpack(text);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->pack() == text);
  BOOST_TEST(read->counters[0] == 7u);
  BOOST_TEST(read->stages[kStages - 1].sum == 1ULL << 62);
  for (const auto* broken : {"", "1.2.3.4. 1 2"}) BOOST_CHECK(!Totals::unpack(broken));
  BOOST_CHECK(!Totals::unpack(text + " 1"));
  BOOST_CHECK(!Totals::unpack(text.substr(0, text.rfind(' '))));
}

BOOST_AUTO_TEST_SUITE_END()
