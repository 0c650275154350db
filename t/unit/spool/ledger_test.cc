// Who sees whom in the table that all processes of a spool share (L12).
#include "spool/ledger.hh"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <string>

#include "in_child.hh"
#include "sys/files.hh"
#include "temporary_directory.hh"

using namespace handoff;
using spool::Ledger;

namespace {

const sys::Digest kDigest = sys::sha256("content");

struct Place {
  Place() : root(posix.open_root(directory.path("")).value()) {}
  Ledger open(std::uint64_t maker = 1) { return Ledger::open(root, maker).value(); }
  TemporaryDirectory directory;
  sys::PosixFiles posix;
  sys::Fd root;
};

std::string seen_by(const Ledger& ledger) {
  std::string seen;
  for (const auto& entry : ledger.others(kDigest, "pat")) {
    seen += entry.name + (entry.first ? " first" : " after") + (entry.alive ? "" : ", dead");
  }
  return seen;
}

// Two processes do the same at the same time, turn after turn.
struct Shared {
  std::atomic<int> arrived;
  std::array<std::atomic<int>, 2> waits;  // of its last turn: whether it saw the other one first
};

void meet(Shared& shared, int turn) {
  ++shared.arrived;
  while (shared.arrived < 2 * turn) ::sched_yield();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_ledger)

BOOST_AUTO_TEST_CASE(who_has_entered_before_is_first_however_it_is_named_L12) {
  Place place;
  auto ours = place.open();
  ours.enter(kDigest, "2.ours", 1, {"pat"});
  auto seen = in_child([&] {
    auto theirs = place.open();
    theirs.enter(kDigest, "1.theirs", 1, {"pat"});
    return seen_by(theirs) +
           "; elsewhere: " + std::to_string(theirs.others(kDigest, "kim").size()) +
           "; other content: " + std::to_string(theirs.others(sys::sha256("x"), "pat").size());
  });
  BOOST_TEST(seen == "2.ours first; elsewhere: 0; other content: 0");
  BOOST_TEST(seen_by(ours) == "1.theirs after, dead");
  ours.leave();
  ours.enter(kDigest, "2.ours", 1, {"pat"});
  BOOST_TEST(seen_by(ours) == "1.theirs first, dead");
}

BOOST_AUTO_TEST_CASE(who_works_in_another_container_is_alive_L12) {
  Place place;
  auto ours = place.open(7);
  ours.enter(kDigest, "1.ours", 1, {"pat"});
  ours.reserve(1000);
  auto seen = in_other_container([&] {
    auto theirs = place.open(8);
    theirs.enter(kDigest, "2.theirs", 1, {"pat"});
    auto here = [&](std::uint64_t maker) {
      return theirs.is_here({::getpid(), "host", maker}) ? " here" : " gone";
    };
    return seen_by(theirs) + "," + here(7) + here(8) + here(9) + ", wants " +
           std::to_string(theirs.reserved_by(Ledger::Others::kLiving).octets);
  });
  BOOST_TEST(seen == "1.ours first, here here gone, wants 1000");
}

BOOST_AUTO_TEST_CASE(of_two_that_enter_at_once_one_waits_and_one_does_not_L12) {
  constexpr int kTurns = 200;
  Place place;
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(memory != MAP_FAILED);
  auto& shared = *new (memory) Shared{};
  auto play = [&](int self) {
    auto ledger = place.open();
    int wrong = 0;
    // The names would have it that the same one always waits.
    auto name = std::to_string(self) + ".name";
    for (int turn = 1; turn <= kTurns; ++turn) {
      meet(shared, 3 * turn - 2);
      ledger.enter(kDigest, name, 1, {"pat"});
      auto others = ledger.others(kDigest, "pat");
      shared.waits[static_cast<std::size_t>(self)] = others.size() == 1 && others[0].first ? 1 : 0;
      meet(shared, 3 * turn - 1);
      if (shared.waits[0] + shared.waits[1] != 1) ++wrong;
      meet(shared, 3 * turn);
      ledger.leave();
    }
    return wrong;
  };
  auto child = ::fork();
  if (child == 0) ::_exit(play(0) == 0 ? 0 : 1);
  BOOST_TEST(play(1) == 0);
  int status = -1;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
  ::munmap(memory, sizeof(Shared));
}

BOOST_AUTO_TEST_CASE(what_has_left_is_known_until_thousands_have) {
  Place place;
  auto ledger = place.open();
  BOOST_TEST(ledger.past(kDigest).empty());
  ledger.enter(kDigest, "1.name", 42, {"pat"});
  BOOST_TEST(ledger.past(kDigest).empty());
  ledger.leave();
  ledger.leave();  // once
  auto seen = in_child([&] {
    std::string out;
    for (const auto& entry : place.open().past(kDigest)) {
      out += entry.name + " " + std::to_string(entry.size) + ";";
    }
    return out;
  });
  BOOST_TEST(seen == "1.name 42;");
  for (int i = 0; i < 3000; ++i) {
    ledger.enter(sys::sha256(std::to_string(i)), "2.name", 1, {});
    ledger.leave();
  }
  BOOST_TEST(ledger.past(kDigest).empty());
  BOOST_TEST(ledger.past(sys::sha256("2999")).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
