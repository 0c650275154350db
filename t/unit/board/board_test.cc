// The scoreboard: memory that outlives the fork and is shared over it.
#include "board/board.hh"

#include <boost/test/unit_test.hpp>

#include "in_child.hh"

using namespace handoff::board;

BOOST_AUTO_TEST_SUITE(board_board)

BOOST_AUTO_TEST_CASE(slots_begin_as_starting_and_with_nothing_done) {
  auto board = Board::create(1000);
  BOOST_REQUIRE(board.ok());
  BOOST_TEST(board.value().slots().size() == 1000u);
  for (const auto& slot : board.value().slots()) {
    BOOST_CHECK(slot.state == State::kStarting);
    BOOST_TEST(slot.sessions == 0u);
    BOOST_TEST(slot.transactions == 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_a_child_writes_its_parent_sees_after_the_childs_end) {
  auto board = Board::create(2).value();
  in_child([&]() -> std::string {
    board.slots()[1].state = State::kBusy;
    board.slots()[1].sessions += 3;
    board.slots()[1].transactions += 5;
    return "";
  });
  BOOST_CHECK(board.slots()[0].state == State::kStarting);
  BOOST_CHECK(board.slots()[1].state == State::kBusy);
  BOOST_TEST(board.slots()[1].sessions == 3u);
  BOOST_TEST(board.slots()[1].transactions == 5u);
}

BOOST_AUTO_TEST_CASE(a_board_that_was_moved_stays_where_it_is) {
  auto board = Board::create(1).value();
  auto* first = board.slots().data();
  board.slots()[0].sessions = 7;
  Board moved(std::move(board));
  BOOST_TEST(moved.slots().data() == first);
  BOOST_TEST(moved.slots()[0].sessions == 7u);
}

BOOST_AUTO_TEST_CASE(a_board_that_no_memory_holds_is_an_error) {
  BOOST_TEST(!Board::create(std::size_t{1} << 50).ok());
}

BOOST_AUTO_TEST_SUITE_END()
