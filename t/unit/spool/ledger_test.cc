// Which other processes a process sees in the table that all processes of a spool share (L12).
#include "spool/ledger.hh"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <string>

#include "in_child.hh"
#include "sys/clock.hh"
#include "sys/files.hh"
#include "temporary_directory.hh"

using namespace handoff;
using spool::Ledger;

namespace {

const sys::Digest kDigest = sys::digest_of("content");

struct Place {
  Place() : root(posix.open_root(directory.path("")).value()) {}
  Ledger open(std::uint64_t maker = 1) { return Ledger::open(root, maker).value(); }
  TemporaryDirectory directory;
  sys::Files posix;
  sys::Fd root;
};

std::string seen_by(const Ledger& ledger) {
  std::string seen;
  for (const auto& entry : ledger.others(kDigest, "pat")) {
    seen += entry.name + (entry.first ? " first" : " after") + (entry.alive ? "" : ", dead");
  }
  return seen;
}

// Runs the steps of two processes in alternating turns.
struct Shared {
  std::atomic<int> arrived;
  std::array<std::atomic<int>, 2> waits;  // in its last turn: whether it saw the other one as first
};

void meet(Shared& shared, int turn) {
  ++shared.arrived;
  while (shared.arrived < 2 * turn) ::sched_yield();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_ledger)

BOOST_AUTO_TEST_CASE(the_entry_that_began_earlier_is_first_whatever_its_name_L12) {
  Place place;
  auto ours = place.open();
  ours.enter(kDigest, "2.ours", 1, {"pat"});
  auto seen = in_child([&] {
    auto theirs = place.open();
    theirs.enter(kDigest, "1.theirs", 1, {"pat"});
    return seen_by(theirs) +
           "; elsewhere: " + std::to_string(theirs.others(kDigest, "kim").size()) +
           "; other content: " + std::to_string(theirs.others(sys::digest_of("x"), "pat").size());
  });
  BOOST_TEST(seen == "2.ours first; elsewhere: 0; other content: 0");
  BOOST_TEST(seen_by(ours) == "1.theirs after, dead");
  ours.leave();
  ours.enter(kDigest, "2.ours", 1, {"pat"});
  BOOST_TEST(seen_by(ours) == "1.theirs first, dead");
}

BOOST_AUTO_TEST_CASE(a_process_in_another_container_counts_as_alive_L12) {
  Place place;
  auto ours = place.open(7);
  ours.enter(kDigest, "1.ours", 1, {"pat"});
  auto room = ours.reserve(1000);
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

BOOST_AUTO_TEST_CASE(of_two_simultaneous_tries_exactly_one_waits_L12) {
  constexpr int kTurns = 200;
  Place place;
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(memory != MAP_FAILED);
  auto& shared = *new (memory) Shared{};
  auto play = [&](int self) {
    auto ledger = place.open();
    int wrong = 0;
    // If only names were compared, the same process would always wait.
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

// Does what an attacker who controls a worker would do: stays alive and pretends to write forever.
BOOST_AUTO_TEST_CASE(a_slot_whose_writer_hangs_delays_others_only_once_and_for_seconds) {
  Place place;
  auto seen = in_child([&] {
    auto theirs = place.open();
    theirs.enter(kDigest, "1.theirs", 1, {"pat"});
    // The generation is before the digest.
    auto file = std::fopen((place.directory.path("") + "/ledger").c_str(), "r+");
    std::string octets(1 << 20, '\0');
    octets.resize(std::fread(octets.data(), 1, octets.size(), file));
    auto digest = octets.find(std::string(kDigest.begin(), kDigest.end()));
    std::fseek(file, static_cast<long>(digest - sizeof(std::uint32_t)), SEEK_SET);
    std::uint32_t odd = 77;
    std::fwrite(&odd, sizeof odd, 1, file);
    std::fflush(file);
    return in_child([&] {
      auto ours = place.open();
      ours.enter(kDigest, "2.ours", 1, {"pat"});
      auto begin = sys::Steady::now();
      auto others = seen_by(ours);
      auto first = sys::Steady::now();
      others += seen_by(ours);
      auto second = sys::Steady::now();
      if (first - begin < std::chrono::seconds(1)) return std::string("it did not wait");
      if (first - begin > std::chrono::seconds(30)) return std::string("it waited too long");
      if (second - first > std::chrono::seconds(1)) return std::string("it waited again");
      return others;
    });
  });
  BOOST_TEST(seen == "");
}

BOOST_AUTO_TEST_CASE(a_finished_message_is_recognised_until_thousands_have_followed) {
  Place place;
  auto ledger = place.open();
  BOOST_TEST(ledger.past(kDigest).empty());
  ledger.enter(kDigest, "1.name", 42, {"pat"});
  BOOST_TEST(ledger.past(kDigest).empty());
  ledger.leave();
  ledger.leave();  // has no further effect
  auto seen = in_child([&] {
    std::string out;
    for (const auto& entry : place.open().past(kDigest)) {
      out += entry.name + " " + std::to_string(entry.size) + ";";
    }
    return out;
  });
  BOOST_TEST(seen == "1.name 42;");
  for (int i = 0; i < 3000; ++i) {
    ledger.enter(sys::digest_of(std::to_string(i)), "2.name", 1, {});
    ledger.leave();
  }
  BOOST_TEST(ledger.past(kDigest).empty());
  BOOST_TEST(ledger.past(sys::digest_of("2999")).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
