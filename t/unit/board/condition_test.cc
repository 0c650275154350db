#include "board/condition.hh"

#include <boost/test/unit_test.hpp>

#include "board/snapshot.hh"

namespace handoff::board {
namespace {

BOOST_AUTO_TEST_SUITE(condition)

// Returns a snapshot with one worker, which waits for connections.
Snapshot in_order() {
  Snapshot s;
  s.workers_max = 8;
  s.by_state[static_cast<std::size_t>(State::kIdle)] = 1;
  return s;
}

BOOST_AUTO_TEST_CASE(a_server_without_findings_is_serving) {
  auto s = in_order();
  judge(s);
  BOOST_TEST(s.state == "serving");
  BOOST_TEST(verdict_text(s) == "ok");
}

BOOST_AUTO_TEST_CASE(the_worst_finding_is_the_condition_and_comes_first) {
  auto s = in_order();
  s.findings = {{Condition::kDegraded, "lookup file: x"}, {Condition::kNotDelivering, "spool: y"}};
  judge(s);
  BOOST_TEST(s.state == "not delivering");
  BOOST_TEST(verdict_text(s) == "not delivering: spool: y\ndegraded: lookup file: x");
}

BOOST_AUTO_TEST_CASE(the_condition_does_not_replace_a_phase_of_the_master) {
  auto s = in_order();
  s.state = "draining";
  judge(s);
  BOOST_TEST(s.state == "draining");
}

BOOST_AUTO_TEST_CASE(a_server_without_workers_is_not_delivering) {
  Snapshot s;
  judge(s);
  BOOST_TEST(verdict_text(s) == "not delivering: workers: there is none");
  s = in_order();
  s.by_state = {};
  s.throttled = true;
  judge(s);
  BOOST_TEST(s.state == "not delivering");
}

BOOST_AUTO_TEST_CASE(crashes_and_full_pools_make_the_server_degraded) {
  auto s = in_order();
  s.full = true;
  s.minute.deaths = 1;
  s.minute.delivery_deaths = 2;
  judge(s);
  BOOST_TEST(verdict_text(s) ==
             "degraded: workers: all 8 are busy, connections wait\n"
             "degraded: workers: 1 has died in the last minute\n"
             "degraded: delivery processes: 2 have died in the last minute");
}

BOOST_AUTO_TEST_CASE(a_backend_that_did_not_answer_lately_makes_the_server_degraded) {
  auto s = in_order();
  s.now = 10'000;
  auto seen = [](std::uint64_t up, std::uint64_t down) {
    BackendFacts facts;
    facts.name = "b:24";
    facts.up = {up, up};
    facts.down = {down, down};
    return facts;
  };
  for (const auto& well : {seen(9'999'000, 9'998'000), seen(0, 0), seen(0, 9'600'000)}) {
    s.findings.clear();
    s.backends = {well};
    judge(s);
    BOOST_TEST(verdict_text(s) == "ok");
  }
  s.state.clear();
  s.backends = {seen(9'998'000, 9'999'000)};
  judge(s);
  BOOST_TEST(verdict_text(s) == "degraded: backend b:24: does not answer");
}

BOOST_AUTO_TEST_CASE(a_written_report_is_parsed_to_the_same_findings) {
  sys::Space space{1, 2, 3, 4};
  Finding finding{Condition::kDegraded, "lookup ldap: no\nanswer"};
  auto text = begin_line("spool") + line_of(space) + begin_line("lookup ldap") + line_of(finding);
  auto read = read_report(text, true);
  BOOST_REQUIRE(read.space.has_value());
  BOOST_TEST(read.space->total_inodes == 4U);
  BOOST_REQUIRE(read.findings.size() == 1U);
  BOOST_TEST(read.findings.front().what == "lookup ldap: no answer");
}

BOOST_AUTO_TEST_CASE(the_last_subject_of_an_incomplete_report_does_not_answer) {
  auto read = read_report(begin_line("spool") + begin_line("lookup passwd"), false);
  BOOST_REQUIRE(read.findings.size() == 1U);
  BOOST_TEST(read.findings.front().what == "lookup passwd: does not answer");
  BOOST_TEST((read.findings.front().condition == Condition::kNotDelivering));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace handoff::board
