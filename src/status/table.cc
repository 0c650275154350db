#include <algorithm>

#include "base/quantity.hh"
#include "base/text.hh"
#include "status/fields.hh"
#include "status/views.hh"

namespace handoff::status {
namespace {

using board::Counter;
using board::Stage;
using board::WorkerFacts;

constexpr std::size_t kFailuresShown = 3;

// Truncates or pads to `width` columns.
std::string cell(std::string text, std::size_t width, bool right = false) {
  if (text.size() > width) text = text.substr(0, width - 1) + "~";
  std::string blanks(width - text.size(), ' ');
  return right ? blanks + text : text + blanks;
}

std::string line(std::string text) {
  std::ranges::replace_if(text, is_control, '?');
  while (text.ends_with(' ')) text.pop_back();
  return text + "\n";
}

// Busy workers first; among these, those that have been in their state longest.
std::vector<WorkerFacts> sorted(std::vector<WorkerFacts> workers) {
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

// Returns the numbers of one line with their words.
std::string numbers(const board::Snapshot& s, std::string_view line) {
  std::string out;
  for (const auto& field : fields()) {
    if (field.line != line) continue;
    std::string words(field.words);
    words.replace(words.find('#'), 1, std::to_string(field.value(s)));
    out += (out.empty() ? "" : ", ") + words;
  }
  return out;
}

std::string connections_text(const board::BackendFacts& backend) {
  return std::to_string(backend.connections) +
         (backend.connections == 1 ? " connection" : " connections");
}

}  // namespace

std::string status_table(const board::Snapshot& s) {
  std::string out;
  out +=
      line("handoff " + s.version + " on " + s.hostname + ": " + s.state + ", pid " +
           std::to_string(s.pid) + ", up " + duration_text(static_cast<double>(s.now - s.started)));
  for (const auto& finding : s.findings) {
    out +=
        line("reason     " + std::string(board::name_of(finding.condition)) + ": " + finding.what);
  }
  auto by_state = [&](board::State state) {
    return std::to_string(s.by_state[static_cast<std::size_t>(state)]);
  };
  for (const auto& backend : s.backends) {
    std::string outcomes;
    for (std::size_t i = 0; i < backend.recipients.size(); ++i) {
      outcomes +=
          ", " + std::to_string(backend.recipients[i]) + " " + std::string(board::kOutcomeNames[i]);
    }
    out += line("backend    " + backend.name + " " + state_of(backend, s.now) + ", " +
                connections_text(backend) + outcomes + ", message to reply " +
                latencies(backend.latency));
  }
  for (const auto& listen : s.listen) out += line("listens    " + listen);
  out += line("workers    " + std::to_string(busy(s)) + " busy, " + by_state(board::State::kIdle) +
              " idle, " + by_state(board::State::kStarting) + " starting, " +
              std::to_string(s.departing) + " departing; at most " + std::to_string(s.workers_max) +
              (s.throttled ? "; THROTTLED" : ""));
  out += line("trouble    " + numbers(s, "trouble"));
  out += line("since up   " + numbers(s, "since up") + ", " +
              octets_text(static_cast<double>(s.totals[Counter::kOctets])));
  if (has_scripts(s)) {
    out += line("scripts    " + numbers(s, "scripts"));
    out += line("outgoing   " + numbers(s, "outgoing"));
  }
  std::string refused;
  for (const auto& [row, count] : refusals(s)) {
    refused += (refused.empty() ? "" : "; ") + std::to_string(count) + " with " + words_of(*row);
  }
  if (!refused.empty()) out += line("refused    " + refused);
  out += line("last min   " + rate_text(s.minute.recipients) + " delivered/s, " +
              rate_text(s.minute.sessions) + " sessions/s, " + octets_text(s.minute.octets) + "/s");
  out += line("latency    final dot to last reply, p50 / p95 / p99: " +
              latencies(s.minute.stages[static_cast<std::size_t>(Stage::kFinal)]));
  // The path comes last, because it may be long.
  out += line("spool      " +
              (s.space ? octets_text(static_cast<double>(s.space->free_octets)) + " free of " +
                             octets_text(static_cast<double>(s.space->total_octets)) + ", " +
                             std::to_string(s.space->free_inodes) + " inodes free: "
                       : "does not answer: ") +
              s.spool);
  out += line("config     " + numbers(s, "config"));
  for (std::size_t i = 0; i < std::min(s.failures.size(), kFailuresShown); ++i) {
    const auto& failure = s.failures[i];
    out +=
        line("failed     " + duration_text(static_cast<double>(s.now - failure.when)) +
             " ago: " + failure.what + (failure.address.empty() ? "" : ", for " + failure.address));
  }
  out += "\n";
  out += line("    PID STATE        FOR   SESS MESSAGES PEER             ID");
  for (const auto& w : sorted(s.workers)) {
    out += line(cell(std::to_string(w.pid), 7, true) + " " +
                cell(std::string(board::name_of(w.state)) + (w.departing ? "*" : ""), 9) +
                cell(duration_text(w.since), 7, true) + cell(std::to_string(w.sessions), 7, true) +
                cell(std::to_string(w.transactions), 9, true) + " " + cell(w.peer, 16) + " " +
                w.message);
  }
  if (std::ranges::any_of(s.workers, &WorkerFacts::departing)) {
    out += line("* ends when its work is done");
  }
  return out;
}

}  // namespace handoff::status
