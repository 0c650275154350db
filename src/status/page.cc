#include <algorithm>

#include "base/quantity.hh"
#include "base/text.hh"
#include "status/fields.hh"
#include "status/views.hh"

namespace handoff::status {
namespace {

using board::Snapshot;
using board::WorkerFacts;

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
tr:last-child>*{border-bottom:0}
th[scope=row]{color:inherit;font-weight:400}
.reason{border-left:.25rem solid;padding-left:.6rem;overflow-wrap:anywhere}
header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}h1{flex:1 1 auto}
a{color:var(--bar)}.axis{display:flex;justify-content:space-between;font-size:.8rem;margin:0}
.bar{display:flex;height:.8rem;border-radius:.4rem;overflow:hidden;background:var(--line)}
.bar i{background:var(--bar)}.bar i.idle{background:var(--good);opacity:.55}
svg{width:100%;height:4rem;display:block;border-bottom:1px solid var(--line)}polyline{fill:none;stroke:var(--bar);stroke-width:1.5}
@media(max-width:34rem){main{padding:.6rem}.peer{display:none}td,th{padding-right:.5rem}.two th[scope=row]{white-space:normal}.id{font-size:.8rem}}
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

// Draws the deliveries of the last minute, one point per second.
std::string curve(const std::vector<double>& values) {
  if (values.size() < 2) return note("nothing to draw yet");
  double highest = *std::ranges::max_element(values);
  double most = std::max(highest, 1.0);
  std::string points;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto x = 300.0 * static_cast<double>(i) / static_cast<double>(values.size() - 1);
    points += number_text(x, 1) + "," + number_text(58 - 56 * values[i] / most, 1) + " ";
  }
  auto seconds = values.size();
  return note("highest " + rate_text(highest) + " a second") +
         "<svg viewBox=\"0 0 300 60\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\""
         "deliveries a second, last minute\"><polyline points=\"" +
         points + "\"/></svg><p class=axis><span>" + count_text(seconds) + " s ago</span><span>" +
         count_text(seconds / 2) + " s ago</span><span>now</span></p>";
}

// Like latency_text(), but a page may contain non-ASCII letters.
std::string time_of(double microseconds) {
  auto text = latency_text(microseconds);
  if (text.ends_with(" us")) text.replace(text.size() - 2, 1, "µ");
  return text;
}

std::string pool_card(const Snapshot& s) {
  unsigned at_work = busy(s);
  std::string states;
  for (std::size_t i = 0; i < board::kStates; ++i) {
    auto state = static_cast<board::State>(i);
    if (s.by_state[i] > 0) {
      states +=
          (states.empty() ? "" : ", ") + count_text(s.by_state[i]) + " " + board::name_of(state);
    }
  }
  auto idle = s.by_state[static_cast<std::size_t>(board::State::kIdle)];
  auto width = [&](unsigned n) {
    return number_text(100.0 * n / std::max(s.workers_max, 1U), 1) + "%";
  };
  std::string out = big(count_text(at_work) + " busy of " + count_text(s.workers_max),
                        at_work >= s.workers_max ? "bad" : "");
  out += "<div class=\"bar\"><i style=\"width:" + width(at_work) +
         "\"></i><i class=\"idle\" style=\""
         "width:" +
         width(idle) + "\"></i></div>";
  out += note(states.empty() ? "no workers" : states);
  if (s.departing > 0) out += note(count_text(s.departing) + " departing");
  if (s.throttled) out += note("workers crash; the next start is delayed", "bad");
  return card("Workers", out);
}

std::string latency_card(const Snapshot& s) {
  std::string out =
      "<table><tr><th scope=col>stage<th scope=col class=n>p50<th scope=col class=n>p95"
      "<th scope=col class=n>p99</tr>";
  for (std::size_t i = 0; i < board::kStages; ++i) {
    const auto& d = s.minute.stages[i];
    out += "<tr><th scope=row>" + std::string(kStageFields[i].row);
    for (double q : {0.5, 0.95, 0.99}) {
      out += "<td class=n>" + (d.count() == 0 ? "–" : time_of(d.quantile(q)));
    }
    out += "</tr>";
  }
  return card("Latency, last minute", out + "</table>", "two");
}

// A table of the numbers for which `shown` returns true.
std::string numbers_table(const Snapshot& s, bool (*shown)(const Field&)) {
  std::string out = "<table>";
  for (const auto& field : fields()) {
    if (field.row.empty() || !shown(field)) continue;
    auto value = field.value(s);
    out += "<tr><th scope=row>" + std::string(field.row) + "<td class=\"n " +
           std::string(value > 0 ? field.color : "") + "\">" + count_text(value) + "</tr>";
  }
  return out + "</table>";
}

std::string totals_card(const Snapshot& s) {
  return card("Since the start",
              numbers_table(s, [](const Field& field) { return !is_of_scripts(field); }));
}

std::string scripts_card(const Snapshot& s) {
  return has_scripts(s) ? card("Scripts and their mail", numbers_table(s, is_of_scripts)) : "";
}

std::string refusals_card(const Snapshot& s) {
  auto all = refusals(s);
  if (all.empty()) return card("Refused since the start", note("nothing", "good"), "wide");
  std::string out = "<table><tr><th scope=col>reply and reason<th scope=col class=n>times</tr>";
  for (const auto& [row, count] : all) {
    out += "<tr><td class=w>" + words_of(*row) + "<td class=\"n " +
           (row->code / 100 == 4 ? "warn" : "") + "\">" + count_text(count) + "</tr>";
  }
  return card("Refused since the start", out + "</table>", "wide");
}

std::string spool_card(const Snapshot& s) {
  if (!s.space) return card("Spool", big("does not answer", "bad") + note(html(s.spool)));
  double free = static_cast<double>(s.space->free_octets);
  double share = free / std::max(static_cast<double>(s.space->total_octets), 1.0);
  std::string out = big(octets_text(free) + " free", share < 0.05 ? "bad" : "");
  out += note(number_text(100 * share, 0) + "% of " +
              octets_text(static_cast<double>(s.space->total_octets)));
  if (s.space->total_inodes > 0) out += note(count_text(s.space->free_inodes) + " inodes free");
  return card("Spool", out + note(html(s.spool)));
}

// Nothing unless mail is passed on to other hosts.
std::string backends_card(const Snapshot& s) {
  if (s.backends.empty()) return {};
  std::string out =
      "<table><tr><th scope=col>host<th scope=col>state<th scope=col class=n>connections";
  for (auto outcome : board::kOutcomeNames) {
    out += "<th scope=col class=n>" + std::string(outcome);
  }
  out += "<th scope=col class=n>message to reply, p95</tr>";
  for (const auto& backend : s.backends) {
    out += "<tr><td class=w>" + html(backend.name) + "<td class=" +
           (backend.is_up()       ? "good"
            : backend.was_asked() ? "bad"
                                  : "\"\"") +
           ">" + state_of(backend, s.now) + "<td class=n>" + count_text(backend.connections);
    for (auto recipients : backend.recipients) out += "<td class=n>" + count_text(recipients);
    auto times = backend.latency;
    out += "<td class=n>" + (times.count() == 0 ? "-" : time_of(times.quantile(0.95))) + "</tr>";
  }
  return card("Hosts that mail is passed on to", out + "</table>", "wide");
}

std::string failures_card(const Snapshot& s, bool show_addresses) {
  if (s.failures.empty()) return card("Last failures", note("none", "good"), "wide");
  std::string out = "<table><tr><th scope=col>when<th scope=col>what</tr>";
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
  std::string out =
      "<table><tr><th scope=col>pid<th scope=col>state<th scope=col class=n>for"
      "<th scope=col class=peer>peer<th scope=col>message</tr>";
  for (const auto& w : workers) {
    out += "<tr><td>" + std::to_string(w.pid) + "<td>" + board::name_of(w.state) +
           (w.departing ? " (departing)" : "") + "<td class=n>" + duration_text(w.since) +
           "<td class=peer>" + html(w.peer) + "<td class=\"w id\">" + html(w.message) + "</tr>";
  }
  return card("Sessions", out + "</table>", "wide");
}

// The state in one line, with its reasons, and how the page is used. A browser that loads the same
// page again keeps its place in it.
std::string headline(const Snapshot& s, bool refreshes) {
  bool delivers = s.condition != board::Condition::kNotDelivering;
  const char* kind = s.state == "serving" ? "good" : delivers ? "warn" : "bad";
  std::string out =
      "<header><h1>handoff on " + html(s.hostname) + " is <span class=\"" + kind + "\">" +
      html(s.state) + "</span></h1><nav>" +
      (refreshes ? "every 5 s, <a href=paused>pause</a>" : "paused, <a href=\"./\">refresh</a>") +
      " · <a href=metrics>metrics</a></nav></header>";
  for (const auto& finding : s.findings) {
    out +=
        note(std::string(board::name_of(finding.condition)) + ": " + html(finding.what),
             finding.condition == board::Condition::kNotDelivering ? "reason bad" : "reason warn");
  }
  return out;
}

}  // namespace

std::string status_page(const Snapshot& s, bool show_addresses, bool refreshes) {
  std::string out =
      "<!doctype html><html lang=en><meta charset=utf-8>"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">" +
      std::string(refreshes ? "<meta http-equiv=refresh content=5>" : "") +
      "<title>handoff: " + html(s.state) + " on " + html(s.hostname) + "</title><style>" + kStyle +
      "</style><main>" + headline(s, refreshes);
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
  out += pool_card(s) + spool_card(s) + latency_card(s) + totals_card(s) + scripts_card(s) +
         refusals_card(s) + backends_card(s);
  out += failures_card(s, show_addresses) + workers_card(s);
  return out + "</div></main></html>\n";
}

}  // namespace handoff::status
