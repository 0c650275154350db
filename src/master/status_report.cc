#include "master/status_report.hh"

#include <algorithm>

#include "base/quantity.hh"
#include "base/text.hh"

namespace handoff::master {
namespace {

using board::Counter;
using board::Stage;

constexpr std::size_t kWidth = 80;  // columns
constexpr std::size_t kFailuresShown = 3;

// Cut to `width` columns, or filled up to it.
std::string cell(std::string text, std::size_t width, bool right = false) {
  if (text.size() > width) text = text.substr(0, width - 1) + "~";
  std::string blanks(width - text.size(), ' ');
  return right ? blanks + text : text + blanks;
}

std::string line(std::string text) {
  std::ranges::replace_if(text, is_control, '?');
  if (text.size() > kWidth) text = text.substr(0, kWidth - 1) + "~";
  while (text.ends_with(' ')) text.pop_back();
  return text + "\n";
}

// Busy ones first, those longest in their state before the others.
std::vector<WorkerFacts> in_order(std::vector<WorkerFacts> workers) {
  std::ranges::stable_sort(workers, [](const auto& a, const auto& b) {
    if (board::is_busy(a.state) != board::is_busy(b.state)) return board::is_busy(a.state);
    return a.since > b.since;
  });
  return workers;
}

std::string latencies(const board::Distribution& d) {
  if (d.count() == 0) return "-";
  return latency_text(d.quantile(0.5)) + " / " + latency_text(d.quantile(0.95)) + " / " +
         latency_text(d.quantile(0.99));
}

unsigned busy(const Snapshot& s) {
  unsigned out = 0;
  for (std::size_t i = 0; i < board::kStates; ++i) {
    if (board::is_busy(static_cast<board::State>(i))) out += s.by_state[i];
  }
  return out;
}

class Json {
 public:
  Json& key(std::string_view name) {
    comma();
    out_ += "\"" + std::string(name) + "\":";
    fresh_ = true;
    return *this;
  }
  void text(std::string_view value) { raw("\"" + escape_json(value) + "\""); }
  void number(std::uint64_t value) { raw(std::to_string(value)); }
  void real(double value) { raw(number_text(value, 6)); }
  void boolean(bool value) { raw(value ? "true" : "false"); }
  void open(char bracket) {
    raw(std::string(1, bracket));
    fresh_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    fresh_ = false;
  }
  void new_line() { out_ += "\n"; }
  std::string take() { return std::move(out_); }

 private:
  void comma() {
    if (!fresh_) out_ += ",";
    fresh_ = true;
  }
  void raw(const std::string& value) {
    comma();
    out_ += value;
    fresh_ = false;
  }
  std::string out_;
  bool fresh_ = true;  // no comma is due
};

void json_stage(Json& json, std::string_view name, const board::Distribution& d) {
  json.key(name).open('{');
  json.key("count").number(d.count());
  json.key("p50").real(d.quantile(0.5) / 1e6);
  json.key("p95").real(d.quantile(0.95) / 1e6);
  json.key("p99").real(d.quantile(0.99) / 1e6);
  json.close('}');
}

}  // namespace

std::string status_table(const Snapshot& s) {
  std::string out;
  out +=
      line("handoff " + s.version + " on " + s.hostname + ": " + s.state + ", pid " +
           std::to_string(s.pid) + ", up " + duration_text(static_cast<double>(s.now - s.started)));
  for (const auto& listen : s.listen) out += line("listens    " + listen);
  out += line("workers    " + std::to_string(busy(s)) + " busy, " + std::to_string(s.by_state[1]) +
              " idle, " + std::to_string(s.by_state[0]) + " starting, " +
              std::to_string(s.departing) + " departing; at most " + std::to_string(s.workers_max) +
              (s.throttled ? "; THROTTLED" : ""));
  out += line("trouble    " + std::to_string(s.deaths) + " died, " + std::to_string(s.killed) +
              " killed for want of progress, " + std::to_string(s.throttles) + " starts put off");
  out += line("since up   " + std::to_string(s.totals[Counter::kSessions]) + " sessions, " +
              std::to_string(s.totals[Counter::kDelivered]) + " delivered, " +
              std::to_string(s.totals[Counter::kDeferred]) + " deferred, " +
              std::to_string(s.totals[Counter::kRejected]) + " rejected, " +
              octets_text(static_cast<double>(s.totals[Counter::kOctets])));
  out += line("last min   " + rate_text(s.minute.recipients) + " delivered/s, " +
              rate_text(s.minute.sessions) + " sessions/s, " + octets_text(s.minute.octets) + "/s");
  out += line("latency    final dot to last reply, p50 / p95 / p99: " +
              latencies(s.minute.stages[static_cast<std::size_t>(Stage::kFinal)]));
  // The path, which may be long, comes last.
  out += line("spool      " +
              (s.space ? octets_text(static_cast<double>(s.space->free_octets)) + " free of " +
                             octets_text(static_cast<double>(s.space->total_octets)) + ", " +
                             std::to_string(s.space->free_inodes) + " inodes free: "
                       : "cannot be asked: ") +
              s.spool);
  out += line("config     generation " + std::to_string(s.generation) + ", " +
              std::to_string(s.reloads_refused) + " reloads refused, " +
              std::to_string(s.upgrades) + " upgrades");
  for (std::size_t i = 0; i < std::min(s.failures.size(), kFailuresShown); ++i) {
    const auto& failure = s.failures[i];
    out += line("failed     " + duration_text(static_cast<double>(s.now - failure.when)) +
                " ago: " + failure.what);
  }
  out += "\n";
  out += line("    PID STATE        FOR   SESS MESSAGES PEER             ID");
  for (const auto& w : in_order(s.workers)) {
    out += line(cell(std::to_string(w.pid), 7, true) + " " +
                cell(std::string(board::name_of(w.state)) + (w.departing ? "*" : ""), 9) +
                cell(duration_text(w.since), 7, true) + cell(std::to_string(w.sessions), 7, true) +
                cell(std::to_string(w.transactions), 9, true) + " " + cell(w.peer, 16) + " " +
                w.message);
  }
  if (std::ranges::any_of(s.workers, &WorkerFacts::departing)) {
    out += line("* ends what it has and goes");
  }
  return out;
}

std::string status_json(const Snapshot& s) {
  Json json;
  json.open('{');
  json.key("version").text(s.version);
  json.key("hostname").text(s.hostname);
  json.key("state").text(s.state);
  json.key("pid").number(static_cast<std::uint64_t>(s.pid));
  json.key("now").number(static_cast<std::uint64_t>(s.now));
  json.key("started").number(static_cast<std::uint64_t>(s.started));
  json.key("generation").number(s.generation);
  json.key("reloads_refused").number(s.reloads_refused);
  json.key("upgrades").number(s.upgrades);
  json.key("listen").open('[');
  for (const auto& listen : s.listen) json.text(listen);
  json.close(']');
  json.new_line();
  json.key("spool").open('{');
  json.key("path").text(s.spool);
  if (s.space) {
    json.key("free_octets").number(s.space->free_octets);
    json.key("total_octets").number(s.space->total_octets);
    json.key("free_inodes").number(s.space->free_inodes);
    json.key("total_inodes").number(s.space->total_inodes);
  }
  json.close('}');
  json.new_line();
  json.key("pool").open('{');
  json.key("max").number(s.workers_max);
  for (std::size_t i = 0; i < board::kStates; ++i) {
    json.key(board::name_of(static_cast<board::State>(i))).number(s.by_state[i]);
  }
  json.key("departing").number(s.departing);
  json.key("deaths").number(s.deaths);
  json.key("killed").number(s.killed);
  json.key("throttles").number(s.throttles);
  json.key("throttled").boolean(s.throttled);
  json.close('}');
  json.new_line();
  json.key("totals").open('{');
  json.key("sessions").number(s.totals[Counter::kSessions]);
  json.key("transactions").number(s.totals[Counter::kTransactions]);
  json.key("delivered").number(s.totals[Counter::kDelivered]);
  json.key("deferred").number(s.totals[Counter::kDeferred]);
  json.key("rejected").number(s.totals[Counter::kRejected]);
  json.key("crowded").number(s.totals[Counter::kCrowded]);
  json.key("slow").number(s.totals[Counter::kSlow]);
  json.key("no_room").number(s.totals[Counter::kNoRoom]);
  json.key("octets").number(s.totals[Counter::kOctets]);
  json.key("swept").number(s.totals[Counter::kSwept]);
  json.close('}');
  json.new_line();
  json.key("replies").open('{');
  for (std::size_t i = 0; i < board::kCodes.size(); ++i) {
    json.key(std::to_string(board::kCodes[i])).number(s.totals.replies[i]);
  }
  json.key("other").number(s.totals.replies.back());
  json.close('}');
  json.new_line();
  json.key("last_minute").open('{');
  json.key("seconds").real(s.minute.seconds);
  json.key("sessions_per_second").real(s.minute.sessions);
  json.key("delivered_per_second").real(s.minute.recipients);
  json.key("octets_per_second").real(s.minute.octets);
  auto stage = [&](std::string_view name, Stage which) {
    json_stage(json, name, s.minute.stages[static_cast<std::size_t>(which)]);
  };
  stage("transaction", Stage::kTransaction);
  stage("lookup", Stage::kLookup);
  stage("write", Stage::kWrite);
  stage("sync", Stage::kSync);
  stage("commit", Stage::kCommit);
  stage("final_dot", Stage::kFinal);
  json.close('}');
  json.new_line();
  json.key("failures").open('[');
  for (const auto& failure : s.failures) {
    json.open('{');
    json.key("when").number(static_cast<std::uint64_t>(failure.when));
    json.key("what").text(failure.what);
    json.key("address").text(failure.address);
    json.close('}');
  }
  json.close(']');
  json.new_line();
  json.key("workers").open('[');
  for (const auto& w : s.workers) {
    json.open('{');
    json.key("pid").number(static_cast<std::uint64_t>(w.pid));
    json.key("generation").number(w.generation);
    json.key("state").text(board::name_of(w.state));
    json.key("departing").boolean(w.departing);
    json.key("since").real(w.since);
    json.key("peer").text(w.peer);
    json.key("id").text(w.message);
    json.key("sessions").number(w.sessions);
    json.key("transactions").number(w.transactions);
    json.close('}');
  }
  json.close(']');
  json.close('}');
  return json.take() + "\n";
}

}  // namespace handoff::master
