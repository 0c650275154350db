#include "board/condition.hh"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hh"
#include "board/snapshot.hh"

namespace handoff::board {
namespace {

// The first words of the lines of a report.
constexpr std::string_view kBegin = "asks";
constexpr std::string_view kSpace = "space";
constexpr std::string_view kOutgoing = "outgoing";
constexpr std::array<std::string_view, 3> kConditions = {"serves", "degraded", "failed"};

std::string line(std::string_view word, std::string_view text) {
  std::string out = std::string(word) + " " + std::string(text);
  std::ranges::replace_if(out, is_control, ' ');
  return out + "\n";
}

std::string count_of(std::uint64_t number, const char* one, const char* several) {
  return std::to_string(number) + " " + (number == 1 ? one : several);
}

void judge_workers(Snapshot& s) {
  auto in_state = [&](State state) { return s.by_state[static_cast<std::size_t>(state)]; };
  unsigned serving = 0;  // workers that serve a client or could serve one
  for (std::size_t i = 0; i < kStates; ++i) {
    if (static_cast<State>(i) != State::kStarting) serving += s.by_state[i];
  }
  auto add = [&](Condition condition, std::string what) {
    s.findings.push_back({condition, "workers: " + std::move(what)});
  };
  if (s.throttled) {
    add(serving == 0 ? Condition::kNotDelivering : Condition::kDegraded,
        "they end as soon as they start (the log says why); the next start is delayed");
  } else if (serving == 0 && in_state(State::kStarting) == 0 && s.departing == 0) {
    add(Condition::kNotDelivering, "there is none");
  }
  if (s.full) {
    add(Condition::kDegraded,
        "all " + std::to_string(s.workers_max) + " are busy, connections wait");
  }
  if (s.minute.deaths > 0) {
    add(Condition::kDegraded,
        count_of(s.minute.deaths, "has", "have") + " died in the last minute");
  }
  if (s.minute.delivery_deaths > 0) {
    s.findings.push_back(
        {Condition::kDegraded,
         "delivery processes: " + count_of(s.minute.delivery_deaths, "has", "have") +
             " died in the last minute"});
  }
}

// A backend to which no mail has been sent for this long may be up again.
constexpr std::int64_t kBackendMinutes = 5;

void judge_backends(Snapshot& s) {
  for (const auto& backend : s.backends) {
    auto age = s.now - static_cast<std::int64_t>(backend.down.last / 1000);
    if (backend.is_up() || age > kBackendMinutes * 60) continue;
    s.findings.push_back({Condition::kDegraded, "backend " + backend.name + ": does not answer"});
  }
}

}  // namespace

const char* name_of(Condition condition) {
  switch (condition) {
    case Condition::kServing:
      return "serving";
    case Condition::kDegraded:
      return "degraded";
    case Condition::kNotDelivering:
      break;
  }
  return "not delivering";
}

std::string begin_line(std::string_view subject) { return line(kBegin, subject); }
std::string line_of(const sys::Space& space) { return line(kSpace, pack(space)); }
std::string line_of(const OutgoingMail& outgoing) { return line(kOutgoing, pack(outgoing)); }
std::string line_of(const Finding& finding) {
  return line(kConditions[static_cast<std::size_t>(finding.condition)], finding.what);
}

Examination read_report(std::string_view text, bool ended) {
  Examination out;
  std::string asked = "spool";
  for (std::string_view each : split(text, '\n')) {
    auto blank = std::min(each.find(' '), each.size());
    auto word = each.substr(0, blank);
    auto rest = each.substr(std::min(blank + 1, each.size()));
    if (word == kBegin) asked = rest;
    if (word == kSpace) out.space = unpack_space(rest);
    if (word == kOutgoing) out.outgoing = unpack_outgoing(rest).value_or(OutgoingMail());
    auto condition = std::ranges::find(kConditions, word);
    if (condition != kConditions.end()) {
      out.findings.push_back(
          {static_cast<Condition>(condition - kConditions.begin()), std::string(rest)});
    }
  }
  if (!ended) out.findings.push_back({Condition::kNotDelivering, asked + ": does not answer"});
  return out;
}

void judge(Snapshot& s) {
  judge_workers(s);
  judge_backends(s);
  std::ranges::stable_sort(s.findings, std::greater(), &Finding::condition);
  s.condition = s.findings.empty() ? Condition::kServing : s.findings.front().condition;
  if (s.state.empty()) s.state = name_of(s.condition);
}

std::string verdict_text(const Snapshot& s) {
  std::string out;
  for (const auto& [condition, what] : s.findings) {
    out += (out.empty() ? "" : "\n") + std::string(name_of(condition)) + ": " + what;
  }
  return out.empty() ? "ok" : out;
}

}  // namespace handoff::board
