#include "master/metrics.hh"

#include <string_view>
#include <utility>
#include <vector>

#include "base/quantity.hh"
#include "base/text.hh"
#include "board/measures.hh"

namespace handoff::master {
namespace {

using board::Counter;

struct StageRow {
  std::string_view name;
  std::string_view help;
};
// In the order of board::Stage.
constexpr std::array<StageRow, board::kStages> kStageRows = {{
    {"handoff_transaction_seconds", "Time from MAIL to the last reply of a message."},
    {"handoff_lookup_seconds", "Time to look up one recipient."},
    {"handoff_write_seconds", "Time spent in writing one message to staging."},
    {"handoff_sync_seconds", "Time until the disk had one message in staging."},
    {"handoff_commit_seconds", "Time to put one message into one mailbox, durably."},
    {"handoff_final_dot_seconds", "Time from the final dot of a message to its last reply."},
}};

class Text {
 public:
  explicit Text(bool open_metrics) : open_(open_metrics) {}

  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    counter_ = type == "counter";
    auto declared = std::string(name) + (counter_ && !open_ ? "_total" : "");
    out_ += "# HELP " + declared + " " + std::string(help) + "\n# TYPE " + declared + " " +
            std::string(type) + "\n";
  }
  void sample(const Labels& labels, const std::string& value) {
    line(counter_ ? "_total" : "", labels, value);
  }
  void sample(const Labels& labels, std::uint64_t value) { sample(labels, std::to_string(value)); }
  void histogram(const board::Distribution& distribution) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < board::kBuckets; ++i) {
      below += distribution.buckets[i];
      bool last = i + 1 == board::kBuckets;
      line("_bucket", {{"le", last ? "+Inf" : bound(board::kBounds[i])}}, std::to_string(below));
    }
    line("_sum", {}, number_text(static_cast<double>(distribution.sum) / 1e6, 6));
    line("_count", {}, std::to_string(below));
  }
  void single(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    family(name, type, help);
    sample({}, value);
  }

  std::string end() { return std::move(out_) + "# EOF\n"; }

 private:
  static std::string bound(std::uint64_t us) {
    auto text = number_text(static_cast<double>(us) / 1e6, 6);
    while (text.ends_with('0')) text.pop_back();
    return text.ends_with('.') ? text + "0" : text;  // OpenMetrics: "1.0", not "1"
  }
  void line(std::string_view suffix, const Labels& labels, const std::string& value) {
    out_ += std::string(name_) + std::string(suffix);
    const char* before = "{";
    for (const auto& [label, text] : labels) {
      out_ += before + std::string(label) + "=\"" + quoted(text) + "\"";
      before = ",";
    }
    out_ += (labels.empty() ? " " : "} ") + value + "\n";
  }
  static std::string quoted(std::string_view text) {
    std::string out;
    for (char c : text) {
      if (c == '\\' || c == '"') out += '\\';
      out += is_control(c) ? '?' : c;
    }
    return out;
  }

  bool open_;
  std::string_view name_;
  bool counter_ = false;
  std::string out_;
};

}  // namespace

std::string metrics(const Snapshot& s, bool open_metrics) {
  Text out(open_metrics);
  out.family("handoff_build_info", "gauge", "The version that runs, always 1.");
  out.sample({{"version", s.version}}, 1);
  out.single("handoff_start_time_seconds", "gauge", "When the master was started.",
             static_cast<std::uint64_t>(s.started));

  out.single("handoff_sessions", "counter", "Sessions that have ended.",
             s.totals[Counter::kSessions]);
  out.single("handoff_transactions", "counter", "Messages that at least one recipient got.",
             s.totals[Counter::kTransactions]);
  out.family("handoff_recipients", "counter", "Recipients by what they were answered after data.");
  out.sample({{"outcome", "delivered"}}, s.totals[Counter::kDelivered]);
  out.sample({{"outcome", "deferred"}}, s.totals[Counter::kDeferred]);
  out.sample({{"outcome", "rejected"}}, s.totals[Counter::kRejected]);
  out.single("handoff_crowded_recipients", "counter",
             "Recipients that recipients.max-concurrent put off.", s.totals[Counter::kCrowded]);
  out.single("handoff_slow_recipients", "counter",
             "Recipients put off because their mailbox was slow several times in a row.",
             s.totals[Counter::kSlow]);
  out.single("handoff_no_room", "counter", "Messages refused at MAIL for want of space.",
             s.totals[Counter::kNoRoom]);
  out.single("handoff_received_bytes", "counter", "Content received.", s.totals[Counter::kOctets]);
  out.family("handoff_replies", "counter", "Replies by code.");
  for (std::size_t i = 0; i < board::kReplyCodes; ++i) {
    bool known = i < board::kCodes.size();
    out.sample({{"code", known ? std::to_string(board::kCodes[i]) : "other"}}, s.totals.replies[i]);
  }

  out.family("handoff_workers", "gauge", "Worker processes by state.");
  for (std::size_t i = 0; i < board::kStates; ++i) {
    out.sample({{"state", board::name_of(static_cast<board::State>(i))}}, s.by_state[i]);
  }
  out.single("handoff_workers_limit", "gauge", "The setting workers.max.", s.workers_max);
  out.single("handoff_departing_workers", "gauge", "Workers that end what they have and go.",
             s.departing);
  out.single("handoff_worker_deaths", "counter", "Workers that ended without being told to.",
             s.deaths);
  out.single("handoff_killed_workers", "counter", "Workers killed for want of progress.", s.killed);
  out.single("handoff_throttles", "counter", "Starts of workers put off after an early death.",
             s.throttles);
  out.single("handoff_swept_files", "counter", "Staging files of the dead that were removed.",
             s.totals[Counter::kSwept]);
  out.family("handoff_reloads", "counter", "Reloads by result.");
  out.sample({{"result", "done"}}, s.generation - 1);
  out.sample({{"result", "refused"}}, s.reloads_refused);
  out.single("handoff_upgrades", "counter", "Upgrades done.", s.upgrades);

  if (s.space) {
    auto spool = [&](std::string_view name, std::string_view help, std::uint64_t value) {
      out.family(name, "gauge", help);
      out.sample({{"spool", s.spool}}, value);
    };
    spool("handoff_spool_free_bytes", "Free space of the spool's filesystem.",
          s.space->free_octets);
    spool("handoff_spool_size_bytes", "Size of the spool's filesystem.", s.space->total_octets);
    spool("handoff_spool_free_inodes", "Free inodes of the spool's filesystem.",
          s.space->free_inodes);
    spool("handoff_spool_inodes", "Inodes of the spool's filesystem.", s.space->total_inodes);
  }
  for (std::size_t i = 0; i < board::kStages; ++i) {
    out.family(kStageRows[i].name, "histogram", kStageRows[i].help);
    out.histogram(s.totals.stages[i]);
  }
  return out.end();
}

}  // namespace handoff::master
