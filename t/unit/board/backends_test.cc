#include "board/backends.hh"

#include <boost/test/unit_test.hpp>

#include <memory>

#include "board/snapshot.hh"

namespace handoff::board {
namespace {

BOOST_AUTO_TEST_SUITE(backends)

const BackendFacts& named(const std::vector<BackendFacts>& all, const std::string& name) {
  for (const auto& facts : all) {
    if (facts.name == name) return facts;
  }
  BOOST_FAIL("no backend " + name);
  return all.front();
}

BOOST_AUTO_TEST_CASE(a_record_counts_what_happened_to_one_host) {
  auto records = std::make_unique<BackendRecords>();
  BackendWriter writer(*records, "b:24");
  {
    auto open = writer.connected();
    auto moved = std::move(open);
    std::vector<BackendFacts> all;
    add(all, *records);
    BOOST_TEST(all.front().connections == 1U);
  }
  for (int code : {250, 250, 451, 550}) writer.settled(code);
  writer.replied_after(std::chrono::milliseconds(2));
  writer.answered();
  std::vector<BackendFacts> all;
  add(all, *records);
  BOOST_REQUIRE(all.size() == 1U);
  const auto& facts = all.front();
  BOOST_TEST(facts.name == "b:24");
  BOOST_TEST(facts.connections == 0U);
  BOOST_TEST((facts.recipients == std::array<std::uint64_t, 3>{2, 1, 1}));
  BOOST_TEST(facts.latency.count() == 1U);
  BOOST_TEST(facts.is_up());
  BackendWriter(*records, "b:24").failed();
  BOOST_TEST(records->used == 1U);
}

BOOST_AUTO_TEST_CASE(a_writer_without_records_writes_nothing) {
  BackendWriter writer;
  writer.answered();
  writer.failed();
  writer.settled(250);
  writer.replied_after({});
  auto open = writer.connected();
}

BOOST_AUTO_TEST_CASE(the_hosts_beyond_the_limit_are_added_up) {
  std::vector<BackendFacts> all;
  for (std::size_t worker = 0; worker < 2; ++worker) {
    auto records = std::make_unique<BackendRecords>();
    for (std::size_t i = 0; i < 40; ++i) {
      BackendWriter(*records, "host" + std::to_string(worker * 100 + i) + ":24").settled(250);
    }
    add(all, *records);
  }
  BOOST_TEST(all.size() == kMostBackends + 1);
  BOOST_TEST(all.back().name == kOtherBackends);
  BOOST_TEST(all.back().recipients[0] == 80 - kMostBackends);
  BOOST_TEST(std::ranges::is_sorted(all.begin(), all.end() - 1, {}, &BackendFacts::name));
}

BOOST_AUTO_TEST_CASE(a_long_name_has_one_record) {
  auto records = std::make_unique<BackendRecords>();
  std::string name(200, 'x');
  for (int i = 0; i < 3; ++i) BackendWriter(*records, name).settled(250);
  BOOST_TEST(records->used == 1U);
}

BOOST_AUTO_TEST_CASE(a_cleared_board_has_no_backends) {
  auto records = std::make_unique<BackendRecords>();
  for (int i = 0; i < 40; ++i) BackendWriter(*records, std::to_string(i)).settled(250);
  records->clear();
  std::vector<BackendFacts> all;
  add(all, *records);
  BOOST_TEST(all.empty());
  BackendWriter(*records, "b").answered();
  add(all, *records);
  BOOST_TEST(named(all, "b").recipients[0] == 0U);
}

BackendFacts seen(Run<std::uint64_t> up, Run<std::uint64_t> down) {
  BackendFacts facts;
  facts.name = "b";
  facts.up = up;
  facts.down = down;
  return facts;
}

BOOST_AUTO_TEST_CASE(the_state_is_that_of_the_worker_that_asked_last) {
  struct Row {
    BackendFacts a;
    BackendFacts b;
    bool up;
    std::int64_t since;  // seconds
  };
  const Row rows[] = {
      {seen({1000, 9000}, {}), seen({2000, 3000}, {}), true, 1},
      // The host was down in between, but only one worker has seen that.
      {seen({1000, 9000}, {}), seen({}, {5000, 6000}), true, 6},
      {seen({1000, 9000}, {}), seen({7000, 8000}, {5000, 6000}), true, 7},
      {seen({1000, 4000}, {}), seen({}, {5000, 6000}), false, 5},
      {seen({1000, 4000}, {6000, 8000}), seen({2000, 4500}, {5000, 7000}), false, 5},
  };
  for (const auto& row : rows) {
    for (bool swapped : {false, true}) {
      std::vector<BackendFacts> all{swapped ? row.b : row.a};
      add(all, std::vector{swapped ? row.a : row.b});
      BOOST_TEST(all.front().is_up() == row.up);
      BOOST_TEST(all.front().since() == row.since);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_taken_over_worker_cannot_mislead_the_master) {
  auto records = std::make_unique<BackendRecords>();
  records->used = ~std::size_t{0};
  for (auto& record : records->records) record.name.set("x\n\x1b\xff");
  std::vector<BackendFacts> all;
  add(all, *records);
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all.front().name == "x???");
}

BOOST_AUTO_TEST_CASE(packed_facts_are_unpacked_to_the_same) {
  auto facts = seen({1, 2}, {3, 4});
  facts.connections = 5;
  facts.recipients = {6, 7, 8};
  facts.latency.buckets[3] = 9;
  auto got = unpack_backends(pack(std::vector{facts}));
  BOOST_REQUIRE(got.has_value());
  BOOST_REQUIRE(got->size() == 1U);
  BOOST_TEST(got->front().name == "b");
  BOOST_TEST(got->front().down.last == 4U);
  BOOST_TEST(got->front().latency.buckets[3] == 9U);
  BOOST_TEST(!unpack_backends("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace handoff::board
