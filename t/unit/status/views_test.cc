// The views of a snapshot: table, JSON, metrics and page.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

#include "base/text.hh"
#include "status/fields.hh"
#include "status/views.hh"

using namespace handoff::board;
using namespace handoff::status;

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

BOOST_AUTO_TEST_SUITE(status_views)

BOOST_AUTO_TEST_CASE(the_table_contains_no_control_characters) {
  auto s = full();
  s.failures[0].what = "451 \x1b[2J";
  auto table = status_table(s);
  for (auto line : handoff::split(table, '\n')) {
    BOOST_TEST(std::ranges::none_of(line, handoff::is_control), line);
  }
}

BOOST_AUTO_TEST_CASE(the_table_has_busy_workers_first) {
  auto table = status_table(full());
  BOOST_TEST(table.find("4194304 commit*") < table.find("      1 idle"));
}

BOOST_AUTO_TEST_CASE(the_table_shows_the_last_failures_with_their_recipients) {
  auto table = status_table(full());
  BOOST_TEST(has(table, "\nfailed     5 s ago: 451 4.3.0: fsync <b>, for pat@example.org\n"));
  BOOST_TEST(
      has(table,
          "\ntrouble    0 died, 0 killed without progress, 0 starts delayed, 0 spool changes\n"));
}

BOOST_AUTO_TEST_CASE(the_table_has_room_for_numbers_beside_a_long_path_and_no_control_characters) {
  auto s = full();
  s.spool = "/srv/\x1b[2J\n" + std::string(100, 'x');
  auto table = status_table(s);
  BOOST_TEST(has(table, "spool      1.0 GiB free of 1.0 TiB, 1000 inodes free: /srv/?[2J?xxx"));
}

BOOST_AUTO_TEST_CASE(each_view_shows_the_condition_and_its_reasons) {
  auto s = full();
  s.state.clear();
  s.findings = {{Condition::kNotDelivering, "lookup <ldap>: down"}};
  judge(s);
  BOOST_TEST(has(status_table(s), ": not delivering, pid 4711"));
  BOOST_TEST(has(status_table(s), "\nreason     not delivering: lookup <ldap>: down\n"));
  BOOST_TEST(
      has(status_json(s), R"("reasons":[{"condition":"not delivering","what":"lookup <ldap>)"));
  BOOST_TEST(has(metrics(s, true), "handoff_condition{condition=\"not delivering\"} 1\n"));
  BOOST_TEST(has(metrics(s, true), "handoff_condition{condition=\"serving\"} 0\n"));
  BOOST_TEST(has(status_page(s, false), "<span class=\"bad\">not delivering</span>"));
  BOOST_TEST(has(status_page(s, false), "lookup &lt;ldap&gt;: down"));
}

BOOST_AUTO_TEST_CASE(refusals_are_shown_with_their_code_and_reason) {
  auto s = full();
  s.totals.refusals[refusal_row(At::kRcpt, 451, "lookup")] = 60;
  s.totals.refusals[refusal_row(At::kMail, 599, "unheard of")] = 1;
  BOOST_TEST(
      has(status_table(s), "\nrefused    60 with 451 lookup, at RCPT; 1 with other, at MAIL\n"));
  BOOST_TEST(has(status_page(s, false), "451 lookup, at RCPT<td class=\"n warn\">60"));
  BOOST_TEST(has(metrics(s, true),
                 "handoff_refusals_total{at=\"rcpt\",code=\"451\",reason=\"lookup\"} 60\n"));
  BOOST_TEST(has(metrics(s, true),
                 "handoff_refusals_total{at=\"mail\",code=\"other\",reason=\"other\"} 1\n"));
}

BOOST_AUTO_TEST_CASE(each_view_shows_the_hosts_that_mail_is_passed_on_to) {
  auto s = full();
  BOOST_TEST(!has(status_table(s), "backend"));
  BOOST_TEST(!has(status_page(s, false), "passed on"));
  BOOST_TEST(!has(metrics(s, true), "handoff_backend"));
  BackendFacts facts;
  facts.name = "<b>:24";
  facts.connections = 1;
  facts.recipients = {10, 2, 3};
  facts.latency.buckets[4] = 1;
  facts.up = {1000, 2000};
  facts.down.first = facts.down.last = static_cast<std::uint64_t>(s.now - 60) * 1000;
  s.backends = {facts};
  BOOST_TEST(
      has(status_table(s),
          "\nbackend    <b>:24 down 1 min, 1 connection, 10 delivered, 2 deferred, 3 rejected, "
          "message to reply 1.8 ms / "));
  BOOST_TEST(has(status_json(s),
                 "\"backends\":[{\"name\":\"<b>:24\",\"up\":false,\"since\":1794999940,"
                 "\"connections\":1,\"delivered\":10,\"deferred\":2,\"rejected\":3,"
                 "\"message_to_reply\":{\"count\":1,"));
  auto page = status_page(s, false);
  BOOST_TEST(
      has(page, "<td class=w>&lt;b&gt;:24<td class=bad>down 1 min<td class=n>1<td class=n>10"));
  auto text = metrics(s, true);
  BOOST_TEST(has(text, "\nhandoff_backend_up{backend=\"<b>:24\"} 0\n"));
  BOOST_TEST(has(text, "\nhandoff_backend_state_since_seconds{backend=\"<b>:24\"} 1794999940\n"));
  BOOST_TEST(has(text, "\nhandoff_backend_connections{backend=\"<b>:24\"} 1\n"));
  BOOST_TEST(has(text, "_recipients_total{backend=\"<b>:24\",outcome=\"deferred\"} 2\n"));
  BOOST_TEST(has(text, "_reply_seconds_bucket{backend=\"<b>:24\",le=\"0.0025\"} 1\n"));
}

BOOST_AUTO_TEST_CASE(the_page_can_be_paused_and_links_to_the_metrics) {
  auto s = full();
  s.minute.stages[0].buckets[3] = 1;
  s.recent = {0, 1, 2, 3};
  auto page = status_page(s, false);
  BOOST_TEST(has(page, "http-equiv=refresh"));
  BOOST_TEST(has(page, "<a href=paused>pause</a>"));
  BOOST_TEST(has(page, "<a href=metrics>"));
  BOOST_TEST(has(page, " µs"));
  BOOST_TEST(has(page, "4 s ago</span>"));
  BOOST_TEST(!has(page, "<th>"));  // each header has its scope
  auto paused = status_page(s, false, false);
  BOOST_TEST(!has(paused, "http-equiv=refresh"));
  BOOST_TEST(has(paused, "<a href=\"./\">refresh</a>"));
}

BOOST_AUTO_TEST_CASE(json_escapes_and_separates_its_members) {
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

BOOST_AUTO_TEST_CASE(each_number_of_the_table_of_fields_has_its_own_name_and_metric) {
  std::set<std::string> keys;
  std::set<std::string> samples;
  auto json = status_json(full());
  auto text = metrics(full(), true);
  for (const auto& field : fields()) {
    if (!field.group.empty()) {
      auto key = std::string(field.name);
      BOOST_TEST(keys.insert(std::string(field.group) + "." + key).second, key);
      BOOST_TEST(has(json, "\"" + key + "\":"), key);
    }
    if (field.metric.empty()) continue;
    auto metric = std::string(field.metric);
    BOOST_TEST(samples.insert(metric + "{" + std::string(field.label)).second, metric);
    BOOST_TEST(has(text, "\n# TYPE " + metric + (field.counter ? " counter\n" : " gauge\n")),
               metric);
  }
}

BOOST_AUTO_TEST_CASE(a_metric_is_declared_once) {
  std::set<std::string> declared;
  auto text = metrics(full(), true);
  for (auto line : handoff::split(text, '\n')) {
    if (line.starts_with("# TYPE")) BOOST_TEST(declared.insert(std::string(line)).second, line);
  }
}

BOOST_AUTO_TEST_CASE(an_unpacked_snapshot_equals_the_packed_one) {
  auto s = full();
  s.totals.counters[3] = 7;
  s.totals.stages[1].buckets[2] = 9;
  s.minute.sessions = 1.5;
  s.recent = {0, 2.25};
  auto text = pack(s);
  auto read = unpack_snapshot(text);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(status_json(*read) == status_json(s));
  BOOST_TEST(status_page(*read, true) == status_page(s, true));
  BOOST_TEST(metrics(*read, false) == metrics(s, false));
  BOOST_CHECK(!unpack_snapshot(text.substr(0, text.size() - 1)));
  BOOST_CHECK(!unpack_snapshot(text + "1:1,"));
  for (const auto* broken : {"", "x", "99999999999:", "1:", "1"}) {
    BOOST_CHECK(!unpack_snapshot(broken));
  }
}

BOOST_AUTO_TEST_CASE(an_empty_snapshot_causes_no_division_by_zero) {
  Snapshot empty;
  BOOST_TEST(!has(status_table(empty), "nan"));
  BOOST_TEST(!has(status_json(empty), "nan"));
  empty.space.emplace();
  BOOST_TEST(!has(status_page(empty, true), "nan"));
}

BOOST_AUTO_TEST_SUITE_END()
