#include "status/fields.hh"

#include <algorithm>
#include <functional>

#include "base/quantity.hh"

namespace handoff::status {
namespace {

using board::Counter;
using S = board::Snapshot;

template <Counter kWhich>
std::uint64_t total(const S& s) {
  return s.totals[kWhich];
}
template <auto kMember>
std::uint64_t member(const S& s) {
  return static_cast<std::uint64_t>(s.*kMember);
}
template <auto kMember>
std::uint64_t space(const S& s) {
  return s.space ? (*s.space).*kMember : 0;
}

std::uint64_t oldest_outgoing(const S& s) {
  auto oldest = s.outgoing.oldest;
  return oldest == 0 || oldest > s.now ? 0 : static_cast<std::uint64_t>(s.now - oldest);
}

constexpr Field kFields[] = {
    {.value = space<&sys::Space::free_octets>,
     .group = "spool",
     .name = "free_octets",
     .metric = "handoff_spool_free_bytes",
     .help = "Free space of the spool's filesystem."},
    {.value = space<&sys::Space::total_octets>,
     .group = "spool",
     .name = "total_octets",
     .metric = "handoff_spool_size_bytes",
     .help = "Size of the spool's filesystem."},
    {.value = space<&sys::Space::free_inodes>,
     .group = "spool",
     .name = "free_inodes",
     .metric = "handoff_spool_free_inodes",
     .help = "Free inodes of the spool's filesystem."},
    {.value = space<&sys::Space::total_inodes>,
     .group = "spool",
     .name = "total_inodes",
     .metric = "handoff_spool_inodes",
     .help = "Inodes of the spool's filesystem."},
    {.value = member<&S::workers_max>,
     .group = "pool",
     .name = "max",
     .metric = "handoff_workers_limit",
     .help = "The setting workers.max."},
    {.value = member<&S::departing>,
     .group = "pool",
     .name = "departing",
     .metric = "handoff_departing_workers",
     .help = "Workers that finish their session and exit."},
    {.value = member<&S::deaths>,
     .group = "pool",
     .name = "deaths",
     .metric = "handoff_worker_deaths",
     .help = "Workers that ended unexpectedly.",
     .counter = true,
     .line = "trouble",
     .words = "# died",
     .row = "workers died",
     .color = "bad"},
    {.value = member<&S::killed>,
     .group = "pool",
     .name = "killed",
     .metric = "handoff_killed_workers",
     .help = "Workers killed because they made no progress.",
     .counter = true,
     .line = "trouble",
     .words = "# killed without progress",
     .row = "workers killed",
     .color = "bad"},
    {.value = member<&S::throttles>,
     .group = "pool",
     .name = "throttles",
     .metric = "handoff_throttles",
     .help = "Starts of workers delayed after a crash.",
     .counter = true,
     .line = "trouble",
     .words = "# starts delayed"},
    {.value = member<&S::spool_changes>,
     .group = "top",
     .name = "spool_changes",
     .metric = "handoff_spool_changes",
     .help = "Times that another directory was at spool.path, or its folders were removed.",
     .counter = true,
     .line = "trouble",
     .words = "# spool changes",
     .row = "spool changed",
     .color = "bad"},

    {.value = total<Counter::kSessions>,
     .group = "totals",
     .name = "sessions",
     .metric = "handoff_sessions",
     .help = "Sessions that have ended.",
     .counter = true,
     .line = "since up",
     .words = "# sessions",
     .row = "sessions"},
    {.value = total<Counter::kTransactions>,
     .group = "totals",
     .name = "transactions",
     .metric = "handoff_transactions",
     .help = "Messages that were delivered to at least one recipient.",
     .counter = true},
    {.value = total<Counter::kDelivered>,
     .group = "totals",
     .name = "delivered",
     .metric = "handoff_recipients",
     .label = "outcome=\"delivered\"",
     .help = "Recipients by their last reply.",
     .counter = true,
     .line = "since up",
     .words = "# delivered",
     .row = "delivered"},
    {.value = total<Counter::kDeferred>,
     .group = "totals",
     .name = "deferred",
     .metric = "handoff_recipients",
     .label = "outcome=\"deferred\"",
     .counter = true,
     .line = "since up",
     .words = "# deferred",
     .row = "deferred",
     .color = "warn"},
    {.value = total<Counter::kRejected>,
     .group = "totals",
     .name = "rejected",
     .metric = "handoff_recipients",
     .label = "outcome=\"rejected\"",
     .counter = true,
     .line = "since up",
     .words = "# rejected",
     .row = "rejected"},
    {.value = total<Counter::kCrowded>,
     .group = "totals",
     .name = "crowded",
     .metric = "handoff_crowded_recipients",
     .help = "Recipients deferred because of recipients.max-concurrent.",
     .counter = true,
     .row = "deferred, mailbox busy",
     .color = "warn"},
    {.value = total<Counter::kSlow>,
     .group = "totals",
     .name = "slow",
     .metric = "handoff_slow_recipients",
     .help = "Recipients deferred because of recipients.slow-limit.",
     .counter = true},
    {.value = total<Counter::kNoRoom>,
     .group = "totals",
     .name = "no_room",
     .metric = "handoff_no_room",
     .help = "Messages refused at MAIL because of insufficient space.",
     .counter = true},
    {.value = total<Counter::kRefusedPeers>,
     .group = "totals",
     .name = "refused_clients",
     .metric = "handoff_refused_clients",
     .help = "Connections closed because of allow, workers.max-per-client or proxy-protocol.",
     .counter = true,
     .row = "clients refused",
     .color = "warn"},
    {.value = total<Counter::kOctets>,
     .group = "totals",
     .name = "octets",
     .metric = "handoff_received_bytes",
     .help = "Content received.",
     .counter = true},
    {.value = total<Counter::kSwept>,
     .group = "totals",
     .name = "swept",
     .metric = "handoff_swept_files",
     .help = "Files of dead processes that were removed from staging.",
     .counter = true},
    {.value = total<Counter::kScriptRuns>,
     .group = "totals",
     .name = "script_runs",
     .metric = "handoff_script_runs",
     .help = "Recipients for whom Sieve scripts ran.",
     .counter = true,
     .line = "scripts",
     .words = "# runs",
     .row = "runs"},
    {.value = total<Counter::kScriptSteps>,
     .group = "totals",
     .name = "script_steps",
     .metric = "handoff_script_steps",
     .help = "Steps that Sieve scripts took.",
     .counter = true},
    {.value = total<Counter::kScriptErrors>,
     .group = "totals",
     .name = "script_errors",
     .metric = "handoff_script_errors",
     .help = "Runs of Sieve scripts with an error, after which the message was kept.",
     .counter = true,
     .line = "scripts",
     .words = "# errors",
     .row = "runs with an error",
     .color = "warn"},
    {.value = total<Counter::kRedirects>,
     .group = "totals",
     .name = "redirects",
     .metric = "handoff_outgoing_messages",
     .label = "kind=\"redirect\"",
     .help = "Messages that Sieve scripts have queued for sieve.sendmail.",
     .counter = true,
     .line = "scripts",
     .words = "# redirects",
     .row = "redirects"},
    {.value = total<Counter::kReplies>,
     .group = "totals",
     .name = "replies",
     .metric = "handoff_outgoing_messages",
     .label = "kind=\"reply\"",
     .counter = true,
     .line = "scripts",
     .words = "# replies",
     .row = "replies and notifications"},
    {.value = total<Counter::kSent>,
     .group = "totals",
     .name = "sent",
     .metric = "handoff_outgoing_results",
     .label = "result=\"sent\"",
     .help = "Runs of sieve.sendmail by result, and messages that were given up or dropped.",
     .counter = true,
     .line = "outgoing",
     .words = "# sent",
     .row = "messages sent"},
    {.value = total<Counter::kSendFailures>,
     .group = "totals",
     .name = "send_failures",
     .metric = "handoff_outgoing_results",
     .label = "result=\"failed\"",
     .counter = true,
     .line = "outgoing",
     .words = "# failures",
     .row = "failures to send",
     .color = "warn"},
    {.value = total<Counter::kUnsent>,
     .group = "totals",
     .name = "unsent",
     .metric = "handoff_outgoing_results",
     .label = "result=\"given_up\"",
     .counter = true,
     .line = "outgoing",
     .words = "# given up",
     .row = "messages given up",
     .color = "bad"},
    {.value = [](const S& s) { return s.outgoing.waiting; },
     .group = "outgoing",
     .name = "waiting",
     .metric = "handoff_outgoing_waiting",
     .help = "Messages of Sieve scripts that wait for sieve.sendmail.",
     .line = "outgoing",
     .words = "# waiting",
     .row = "messages to send"},
    {.value = [](const S& s) { return s.outgoing.given_up; },
     .group = "outgoing",
     .name = "given_up",
     .metric = "handoff_outgoing_given_up",
     .help = "Messages of Sieve scripts that were given up and are still in the spool."},
    {.value = oldest_outgoing,
     .group = "outgoing",
     .name = "oldest_seconds",
     .metric = "handoff_outgoing_oldest_seconds",
     .help = "Age of the oldest message that waits for sieve.sendmail; 0 if none waits.",
     .line = "outgoing",
     .words = "the oldest for # s",
     .row = "the oldest, seconds"},

    {.value = member<&S::pid>, .group = "top", .name = "pid"},
    {.value = member<&S::now>, .group = "top", .name = "now"},
    {.value = member<&S::started>,
     .group = "top",
     .name = "started",
     .metric = "handoff_start_time_seconds",
     .help = "When the master was started."},
    {.value = member<&S::generation>,
     .group = "top",
     .name = "generation",
     .line = "config",
     .words = "generation #"},
    {.value = [](const S& s) { return std::uint64_t{s.generation} - 1; },
     .metric = "handoff_reloads",
     .label = "result=\"done\"",
     .help = "Reloads by result.",
     .counter = true},
    {.value = member<&S::reloads_refused>,
     .group = "top",
     .name = "reloads_refused",
     .metric = "handoff_reloads",
     .label = "result=\"refused\"",
     .counter = true,
     .line = "config",
     .words = "# reloads refused",
     .row = "reloads refused",
     .color = "warn"},
    {.value = member<&S::upgrades>,
     .group = "top",
     .name = "upgrades",
     .metric = "handoff_upgrades",
     .help = "Upgrades done.",
     .counter = true,
     .line = "config",
     .words = "# upgrades"},
};

}  // namespace

std::span<const Field> fields() { return kFields; }

const std::array<StageField, board::kStages> kStageFields = {{
    {"transaction", "handoff_transaction_seconds", "Time from MAIL to the last reply of a message.",
     "whole transaction"},
    {"lookup", "handoff_lookup_seconds", "Time to look up one recipient.", "lookup"},
    {"write", "handoff_write_seconds", "Time spent in writing one message to staging.", "write"},
    {"sync", "handoff_sync_seconds", "Time to sync one message in staging.", "sync"},
    {"commit", "handoff_commit_seconds", "Time to put one message into one mailbox, durably.",
     "commit"},
    {"final_dot", "handoff_final_dot_seconds",
     "Time from the final dot of a message to its last reply.", "final dot to last reply"},
}};

std::vector<RefusalCount> refusals(const board::Snapshot& s) {
  std::vector<RefusalCount> out;
  for (std::size_t i = 0; i < board::kRefusals.size(); ++i) {
    if (s.totals.refusals[i] > 0) out.push_back({&board::kRefusals[i], s.totals.refusals[i]});
  }
  std::ranges::stable_sort(out, std::greater(), &RefusalCount::count);
  return out;
}

std::string words_of(const board::Refusal& refusal) {
  static constexpr const char* kCommands[] = {"MAIL", "RCPT", "the content"};
  std::string words(refusal.reason);
  std::ranges::replace(words, '_', ' ');
  auto code = refusal.code == 0 ? "" : std::to_string(refusal.code) + " ";
  return code + words + ", at " + kCommands[static_cast<std::size_t>(refusal.at)];
}

bool has_scripts(const board::Snapshot& s) {
  return std::ranges::any_of(
      kFields, [&](const Field& field) { return is_of_scripts(field) && field.value(s) > 0; });
}

std::string state_of(const board::BackendFacts& backend, std::int64_t now) {
  if (!backend.was_asked()) return "not asked yet";
  auto seconds = std::max<std::int64_t>(now - backend.since(), 0);
  return (backend.is_up() ? "up " : "down ") + duration_text(static_cast<double>(seconds));
}

unsigned busy(const board::Snapshot& s) {
  unsigned out = 0;
  for (std::size_t i = 0; i < board::kStates; ++i) {
    if (board::is_busy(static_cast<board::State>(i))) out += s.by_state[i];
  }
  return out;
}

}  // namespace handoff::status
