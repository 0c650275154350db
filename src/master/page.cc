#include "master/page.hh"

#include <algorithm>

#include "base/quantity.hh"
#include "base/text.hh"

namespace handoff::master {
namespace {

using board::Counter;
using board::Stage;

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6676;--line:#d9dee6;--paper:#f6f7f9;
--card:#fff;--good:#18794e;--bad:#b42318;--warn:#9a6700;--bar:#3b73c4}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa4b2;--line:#2e3642;--paper:#12161c;
--card:#1a2028;--good:#4cc38a;--bad:#ff8a7d;--warn:#e2b340;--bar:#6c9ff0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;margin:.2rem 0}h2{font-size:1rem;margin:0 0 .6rem}
p{margin:.2rem 0;color:var(--soft)}
.grid{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));margin:.8rem 0}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.9rem;
min-width:0;overflow-x:auto}
.wide{grid-column:1/-1}
@media(min-width:60rem){.two{grid-column:span 2}}
.big{font-size:1.7rem;font-weight:600;color:var(--ink)}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500;color:var(--soft)}
td,th{padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
td.n,th.n{text-align:right}td:last-child,th:last-child{padding-right:0}td.w{white-space:normal;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
.bar{display:flex;height:.8rem;border-radius:.4rem;overflow:hidden;background:var(--line)}
.bar i{background:var(--bar)}.bar i.idle{background:var(--good);opacity:.55}
svg{width:100%;height:4rem;display:block}polyline{fill:none;stroke:var(--bar);stroke-width:1.5}
@media(max-width:34rem){main{padding:.6rem}.peer{display:none}td,th{padding-right:.5rem}.two td:first-child{white-space:normal}.id{font-size:.8rem}}
)";

std::string html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += is_control(c) ? '?' : c;
    }
  }
  return out;
}

std::string count_text(std::uint64_t n) { return std::to_string(n); }

std::string card(std::string_view title, const std::string& inside, const char* kind = "") {
  return "<section class=\"" + std::string(kind) + "\"><h2>" + std::string(title) + "</h2>" +
         inside + "</section>\n";
}

std::string big(const std::string& text, const char* kind = "") {
  return "<p class=\"big " + std::string(kind) + "\">" + text + "</p>";
}

std::string note(const std::string& text, const char* kind = "") {
  return "<p class=\"" + std::string(kind) + "\">" + text + "</p>";
}

// The last minute's deliveries, a point a second.
std::string curve(const std::vector<double>& values) {
  if (values.size() < 2) return note("nothing to draw yet");
  double highest = *std::ranges::max_element(values);
  double most = std::max(highest, 1.0);
  std::string points;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto x = 300.0 * static_cast<double>(i) / static_cast<double>(values.size() - 1);
    points += number_text(x, 1) + "," + number_text(58 - 56 * values[i] / most, 1) + " ";
  }
  return "<svg viewBox=\"0 0 300 60\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""
         "deliveries a second, last minute\"><polyline points=\"" +
         points + "\"/></svg>" + note("highest " + rate_text(highest) + " a second");
}

std::string pool_card(const Snapshot& s) {
  unsigned busy = 0;
  std::string states;
  for (std::size_t i = 0; i < board::kStates; ++i) {
    auto state = static_cast<board::State>(i);
    if (board::is_busy(state)) busy += s.by_state[i];
    if (s.by_state[i] > 0) {
      states +=
          (states.empty() ? "" : ", ") + count_text(s.by_state[i]) + " " + board::name_of(state);
    }
  }
  auto idle = s.by_state[static_cast<std::size_t>(board::State::kIdle)];
  auto width = [&](unsigned n) {
    return number_text(100.0 * n / std::max(s.workers_max, 1U), 1) + "%";
  };
  std::string out = big(count_text(busy) + " busy of " + count_text(s.workers_max),
                        busy >= s.workers_max ? "bad" : "");
  out += "<div class=\"bar\"><i style=\"width:" + width(busy) +
         "\"></i><i class=\"idle\" style=\""
         "width:" +
         width(idle) + "\"></i></div>";
  out += note(states.empty() ? "no workers" : states);
  if (s.departing > 0) out += note(count_text(s.departing) + " departing");
  if (s.throttled) out += note("starts are put off: workers die as they begin", "bad");
  return card("Workers", out);
}

std::string latency_card(const Snapshot& s) {
  struct Row {
    const char* name;
    Stage stage;
  };
  static constexpr Row kRows[] = {{"final dot to last reply", Stage::kFinal},
                                  {"lookup", Stage::kLookup},
                                  {"write", Stage::kWrite},
                                  {"sync", Stage::kSync},
                                  {"commit", Stage::kCommit},
                                  {"whole transaction", Stage::kTransaction}};
  std::string out = "<table><tr><th>stage<th class=n>p50<th class=n>p95<th class=n>p99</tr>";
  for (const auto& row : kRows) {
    const auto& d = s.minute.stages[static_cast<std::size_t>(row.stage)];
    out += "<tr><td>" + std::string(row.name);
    for (double q : {0.5, 0.95, 0.99}) {
      out += "<td class=n>" + (d.count() == 0 ? "–" : latency_text(d.quantile(q)));
    }
    out += "</tr>";
  }
  return card("Latency, last minute", out + "</table>", "two");
}

std::string totals_card(const Snapshot& s) {
  auto row = [](const char* name, std::uint64_t value, const char* kind = "") {
    return "<tr><td>" + std::string(name) + "<td class=\"n " + (value > 0 ? kind : "") + "\">" +
           count_text(value) + "</tr>";
  };
  return card("Since the start",
              "<table>" + row("sessions", s.totals[Counter::kSessions]) +
                  row("delivered", s.totals[Counter::kDelivered]) +
                  row("deferred", s.totals[Counter::kDeferred], "warn") +
                  row("rejected", s.totals[Counter::kRejected]) +
                  row("put off, mailbox busy", s.totals[Counter::kCrowded], "warn") +
                  row("workers died", s.deaths, "bad") + row("workers killed", s.killed, "bad") +
                  row("reloads refused", s.reloads_refused, "warn") + "</table>");
}

std::string spool_card(const Snapshot& s) {
  if (!s.space) return card("Spool", big("cannot be asked", "bad") + note(html(s.spool)));
  double free = static_cast<double>(s.space->free_octets);
  double share = free / std::max(static_cast<double>(s.space->total_octets), 1.0);
  std::string out = big(octets_text(free) + " free", share < 0.05 ? "bad" : "");
  out += note(number_text(100 * share, 0) + "% of " +
              octets_text(static_cast<double>(s.space->total_octets)));
  if (s.space->total_inodes > 0) out += note(count_text(s.space->free_inodes) + " inodes free");
  return card("Spool", out + note(html(s.spool)));
}

std::string failures_card(const Snapshot& s, bool show_addresses) {
  if (s.failures.empty()) return card("Last failures", note("none", "good"), "wide");
  std::string out = "<table><tr><th>when<th>what</tr>";
  for (const auto& failure : s.failures) {
    out += "<tr><td>" + duration_text(static_cast<double>(s.now - failure.when)) +
           " ago<td class=w>" + html(failure.what);
    if (show_addresses && !failure.address.empty()) out += " (" + html(failure.address) + ")";
    out += "</tr>";
  }
  return card("Last failures", out + "</table>", "wide");
}

std::string workers_card(const Snapshot& s) {
  auto workers = s.workers;
  std::erase_if(workers, [](const auto& w) { return !board::is_busy(w.state); });
  if (workers.empty()) return card("Sessions", note("none at the moment"), "wide");
  std::ranges::stable_sort(workers, std::greater(), &WorkerFacts::since);
  std::string out = "<table><tr><th>pid<th>state<th class=n>for<th class=peer>peer<th>message</tr>";
  for (const auto& w : workers) {
    out += "<tr><td>" + std::to_string(w.pid) + "<td>" + board::name_of(w.state) +
           (w.departing ? " (departing)" : "") + "<td class=n>" + duration_text(w.since) +
           "<td class=peer>" + html(w.peer) + "<td class=\"w id\">" + html(w.message) + "</tr>";
  }
  return card("Sessions", out + "</table>", "wide");
}

}  // namespace

std::string status_page(const Snapshot& s, bool show_addresses) {
  const char* kind = s.state == "serving" ? "good" : "warn";
  std::string out =
      "<!doctype html><html lang=en><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
      "<meta http-equiv=refresh content=5><title>handoff: " +
      html(s.state) + " on " + html(s.hostname) + "</title><style>" + kStyle +
      "</style><main><h1>handoff on " + html(s.hostname) + " is <span class=\"" + kind + "\">" +
      html(s.state) + "</span></h1>";
  out += note("version " + html(s.version) + ", pid " + std::to_string(s.pid) + ", up " +
              duration_text(static_cast<double>(s.now - s.started)) + ", configuration " +
              std::to_string(s.generation) + ", at " + time_text(s.now));
  std::string listen;
  for (const auto& endpoint : s.listen) listen += (listen.empty() ? "" : ", ") + endpoint;
  out += note("listens on " + html(listen));
  out += "<div class=grid>";
  out += card("Deliveries, last minute", big(rate_text(s.minute.recipients) + " a second") +
                                             note(rate_text(s.minute.sessions) + " sessions, " +
                                                  octets_text(s.minute.octets) + " a second") +
                                             curve(s.recent));
  out += pool_card(s) + spool_card(s) + latency_card(s) + totals_card(s);
  out += failures_card(s, show_addresses) + workers_card(s);
  return out + "</div></main></html>\n";
}

}  // namespace handoff::master
