// What is shown of a snapshot: table, JSON, metrics and page.
#include <boost/test/unit_test.hpp>

#include "base/text.hh"
#include "master/metrics.hh"
#include "master/page.hh"
#include "master/status_report.hh"

using namespace handoff::master;

namespace {

Snapshot full() {
  Snapshot s;
  s.version = "0.1";
  s.hostname = "mail.example.org";
  s.state = "serving";
  s.pid = 4711;
  s.now = 1'795'000'000;
  s.started = s.now - 100'000;
  s.generation = 1;
  s.listen = {"unix:/run/handoff/" + std::string(120, 'x')};
  s.spool = "/srv/\"v\\mail\"\n<i>";
  s.space = handoff::sys::Space{1 << 30, 1ULL << 40, 1000, 2000};
  s.workers_max = 64;
  s.by_state[1] = 1;
  s.by_state[8] = 1;
  WorkerFacts idle;
  idle.pid = 1;
  idle.state = handoff::board::State::kIdle;
  idle.since = 1e6;
  WorkerFacts busy;
  busy.pid = 4194304;
  busy.state = handoff::board::State::kCommit;
  busy.departing = true;
  busy.since = 400'000;
  busy.peer = "[IPv6:2001:db8:1111:2222:3333:4444:5555:6666]";
  busy.message = std::string(40, 'm');
  busy.sessions = 123'456'789;
  busy.transactions = 1'234'567'890;
  s.workers = {idle, busy};
  s.failures = {{s.now - 5, "451 4.3.0: fsync <b>", "pat@example.org"}};
  return s;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(master_reports)

BOOST_AUTO_TEST_CASE(the_table_never_is_wider_than_80_columns) {
  auto table = status_table(full());
  for (auto line : handoff::split(table, '\n')) BOOST_TEST(line.size() <= 80U, line);
}

BOOST_AUTO_TEST_CASE(the_table_has_busy_workers_first) {
  auto table = status_table(full());
  BOOST_TEST(table.find("4194304 commit*") < table.find("      1 idle"));
}

BOOST_AUTO_TEST_CASE(the_table_tells_the_last_failures_without_addresses) {
  auto table = status_table(full());
  BOOST_TEST(has(table, "\nfailed     5 s ago: 451 4.3.0: fsync <b>\n"));
  BOOST_TEST(!has(table, "pat@example.org"));
}

BOOST_AUTO_TEST_CASE(the_table_has_room_for_numbers_beside_a_long_path_and_no_control_characters) {
  auto s = full();
  s.spool = "/srv/\x1b[2J\n" + std::string(100, 'x');
  auto table = status_table(s);
  BOOST_TEST(has(table, "spool      1.0 GiB free of 1.0 TiB, 1000 inodes free: /srv/?[2J?xxx"));
}

BOOST_AUTO_TEST_CASE(json_escapes_and_parts_its_members) {
  auto json = status_json(full());
  BOOST_TEST(has(json, R"("path":"/srv/\"v\\mail\")"));
  BOOST_TEST(!has(json, ",,"));
  BOOST_TEST(!has(json, "{,"));
  BOOST_TEST(!has(json, "}{"));
  BOOST_TEST(has(json, "},{\"pid\":4194304"));
  BOOST_TEST(has(json, R"("what":"451 4.3.0: fsync <b>","address":"pat@example.org")"));
  BOOST_TEST(has(json, R"("555":0,"other":0})"));
}

BOOST_AUTO_TEST_CASE(metrics_escape_label_values_and_end_as_openmetrics_must) {
  auto text = metrics(full(), true);
  BOOST_TEST(has(text, R"(handoff_spool_free_bytes{spool="/srv/\"v\\mail\"?<i>"} 1073741824)"));
  BOOST_TEST(text.ends_with("\n# EOF\n"));
  BOOST_TEST(has(text, "# TYPE handoff_sessions counter\nhandoff_sessions_total 0\n"));
  BOOST_TEST(has(text, R"(handoff_sync_seconds_bucket{le="1.0"} 0)"));
  BOOST_TEST(has(metrics(full(), false), "# TYPE handoff_sessions_total counter\n"));
}

BOOST_AUTO_TEST_CASE(the_page_shows_no_address_unless_asked_and_escapes_everything) {
  auto page = status_page(full(), false);
  BOOST_TEST(!has(page, "pat@example.org"));
  BOOST_TEST(!has(page, "<b>"));
  BOOST_TEST(!has(page, "<i>"));
  BOOST_TEST(!has(page, "<script"));
  BOOST_TEST(has(status_page(full(), true), "(pat@example.org)"));
}

BOOST_AUTO_TEST_CASE(nothing_that_is_empty_divides_by_zero) {
  Snapshot empty;
  BOOST_TEST(!has(status_table(empty), "nan"));
  BOOST_TEST(!has(status_json(empty), "nan"));
  empty.space.emplace();
  BOOST_TEST(!has(status_page(empty, true), "nan"));
}

BOOST_AUTO_TEST_SUITE_END()
