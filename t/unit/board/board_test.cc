// The scoreboard: memory that is shared across fork.
#include "board/board.hh"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "board/totals.hh"
#include "in_child.hh"

using namespace handoff::board;

BOOST_AUTO_TEST_SUITE(board_board)

BOOST_AUTO_TEST_CASE(a_new_slot_has_the_state_starting_and_counters_of_0) {
  auto board = Board::create(1000);
  BOOST_REQUIRE(board.ok());
  BOOST_TEST(board.value().used() == 0u);
  for (std::size_t i = 0; i < 1000; ++i) board.value().take(i);
  BOOST_TEST(board.value().used() == 1000u);
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto& slot = board.value().slot(i);
    BOOST_CHECK(slot.state == State::kStarting);
    BOOST_TEST(slot.counters[0] == 0u);
    BOOST_TEST(slot.failures == 0u);
  }
}

BOOST_AUTO_TEST_CASE(the_parent_sees_the_writes_of_an_ended_child) {
  auto board = Board::create(2).value();
  board.take(0);
  board.take(1);
  BOOST_TEST(in_child([&]() -> std::string {
               if (!board.keep_own(1)) return "cannot protect the board";
               board.slot(1).state = State::kCommit;
               board.slot(1).counters[0] += 3;
               board.slot(1).peer.set("local");
               board.slow_mailboxes(1)[0].times = 2;
               return "";
             }) == "");
  BOOST_CHECK(board.slot(0).state == State::kStarting);
  BOOST_CHECK(board.slot(1).state == State::kCommit);
  BOOST_TEST(board.slot(1).counters[0] == 3u);
  BOOST_TEST(board.slot(1).peer.get() == "local");
  BOOST_TEST(board.slow_mailboxes(1)[0].times == 2u);
}

BOOST_AUTO_TEST_CASE(a_worker_still_sees_the_writes_of_others_after_it_has_given_up_writing) {
  auto board = Board::create(2).value();
  board.take(0);
  board.take(1);
  BOOST_TEST(in_child([&]() -> std::string {
               pid_t other = ::fork();
               if (other == 0) {
                 while (board.slot(1).counters[0] == 0) ::sched_yield();
                 board.slot(0).state = State::kIdle;
                 ::_exit(0);
               }
               if (!board.keep_own(1)) return "cannot protect the board";
               board.slot(1).counters[0] = 1;
               ::waitpid(other, nullptr, 0);
               return board.used() == 2 && board.slot(0).state == State::kIdle
                          ? ""
                          : "sees something else";
             }) == "");
}

#ifdef HAVE_MEMFD_CREATE
// Actions of an attacker who controls a worker.
BOOST_AUTO_TEST_CASE(a_worker_can_write_to_no_slot_but_its_own_and_not_to_the_header) {
  auto board = Board::create(3).value();
  for (std::size_t i = 0; i < 3; ++i) board.take(i);
  auto page = handoff::sys::page_size();
  auto* other = reinterpret_cast<char*>(&board.slot(0));
  auto* next = reinterpret_cast<char*>(&board.slot(2));
  auto* header = other - (next - reinterpret_cast<char*>(&board.slot(1)));
  for (char* victim : {header, other, next}) {
    BOOST_TEST(in_child([&]() -> std::string {
                 if (!board.keep_own(1)) return "cannot protect the board";
                 board.slot(1).counters[0] = 7;
                 if (::mprotect(victim, page, PROT_READ | PROT_WRITE) == 0)
                   return "mprotect gave it back";
                 pid_t pid = ::fork();
                 if (pid == 0) {
                   ::signal(SIGSEGV, SIG_DFL);
                   *static_cast<volatile char*>(victim) = 'x';
                   ::_exit(0);
                 }
                 int status = 0;
                 ::waitpid(pid, &status, 0);
                 return WIFSIGNALED(status) ? "" : "it could write";
               }) == "");
  }
  BOOST_TEST(board.slot(1).counters[0] == 7u);
  BOOST_TEST(board.used() == 3u);
}
#endif

BOOST_AUTO_TEST_CASE(a_board_that_was_moved_stays_where_it_is) {
  auto board = Board::create(1).value();
  board.take(0);
  auto* first = &board.slot(0);
  board.slot(0).counters[0] = 7;
  Board moved(std::move(board));
  BOOST_TEST(&moved.slot(0) == first);
  BOOST_TEST(moved.slot(0).counters[0] == 7u);
}

BOOST_AUTO_TEST_CASE(a_board_that_is_too_large_for_memory_is_an_error) {
  BOOST_TEST(!Board::create(std::size_t{1} << 50).ok());
}

BOOST_AUTO_TEST_CASE(unpacked_totals_equal_the_packed_ones) {
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
