#include <string_view>
#include <utility>
#include <vector>

#include "base/quantity.hh"
#include "base/text.hh"
#include "status/fields.hh"
#include "status/views.hh"

namespace handoff::status {
namespace {

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
  void histogram(const board::Distribution& distribution, const Labels& labels = {}) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < board::kBuckets; ++i) {
      below += distribution.buckets[i];
      bool last = i + 1 == board::kBuckets;
      auto bucket = labels;
      bucket.emplace_back("le", last ? "+Inf" : bound(board::kBounds[i]));
      line("_bucket", bucket, std::to_string(below));
    }
    line("_sum", labels, number_text(static_cast<double>(distribution.sum) / 1e6, 6));
    line("_count", labels, std::to_string(below));
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

// If a host got no mail for this long (ms), its state is not known any more. Queue managers try
// sooner to send mail again that was deferred.
constexpr std::uint64_t kStateKnown = 2 * 60 * 60 * 1000;

void backends(Text& out, const std::vector<board::BackendFacts>& all, std::int64_t now) {
  if (all.empty()) return;
  auto is_known = [&](const board::BackendFacts& each) {
    return each.was_asked() && std::max(each.up.last, each.down.last) + kStateKnown >=
                                   static_cast<std::uint64_t>(now) * 1000;
  };
  out.family("handoff_backend_up", "gauge", "Whether the host answered when it was last asked.");
  for (const auto& each : all) {
    if (is_known(each)) out.sample({{"backend", each.name}}, each.is_up() ? 1 : 0);
  }
  out.family("handoff_backend_state_since_seconds", "gauge", "Since when it is up or down.");
  for (const auto& each : all) {
    if (!is_known(each)) continue;
    out.sample({{"backend", each.name}}, static_cast<std::uint64_t>(each.since()));
  }
  out.family("handoff_backend_connections", "gauge", "Open connections to the host.");
  for (const auto& each : all) out.sample({{"backend", each.name}}, each.connections);
  out.family("handoff_backend_recipients", "counter",
             "Recipients whose mailbox is there by their last reply.");
  for (const auto& each : all) {
    for (std::size_t i = 0; i < each.recipients.size(); ++i) {
      out.sample({{"backend", each.name}, {"outcome", std::string(board::kOutcomeNames[i])}},
                 each.recipients[i]);
    }
  }
  out.family("handoff_backend_reply_seconds", "histogram",
             "Time from the end of a message to the last reply of the host.");
  for (const auto& each : all) out.histogram(each.latency, {{"backend", each.name}});
}

}  // namespace

std::string metrics(const board::Snapshot& s, bool open_metrics) {
  Text out(open_metrics);
  out.family("handoff_build_info", "gauge", "The version that runs, always 1.");
  out.sample({{"version", s.version}}, 1);
  out.family("handoff_condition", "gauge",
             "Whether mail is delivered: 1 for the present condition, 0 for the others.");
  for (auto each : {board::Condition::kServing, board::Condition::kDegraded,
                    board::Condition::kNotDelivering}) {
    out.sample({{"condition", board::name_of(each)}}, each == s.condition ? 1 : 0);
  }
  std::string_view family;
  for (const auto& field : fields()) {
    bool of_spool = field.group == "spool";
    if (field.metric.empty() || (of_spool && !s.space)) continue;
    if (field.metric != family) {
      family = field.metric;
      out.family(family, field.counter ? "counter" : "gauge", field.help);
    }
    Text::Labels labels;
    if (of_spool) labels = {{"spool", s.spool}};
    if (auto equals = field.label.find('='); equals != field.label.npos) {
      auto value = field.label.substr(equals + 2, field.label.size() - equals - 3);
      labels = {{field.label.substr(0, equals), std::string(value)}};
    }
    out.sample(labels, field.value(s));
  }
  out.family("handoff_replies", "counter", "Replies by code.");
  for (std::size_t i = 0; i < board::kReplyCodes; ++i) {
    bool known = i < board::kCodes.size();
    out.sample({{"code", known ? std::to_string(board::kCodes[i]) : "other"}}, s.totals.replies[i]);
  }
  out.family("handoff_refusals", "counter", "Refusals by command, code and reason.");
  for (std::size_t i = 0; i < board::kRefusals.size(); ++i) {
    const auto& row = board::kRefusals[i];
    out.sample({{"at", std::string(board::kAtNames[static_cast<std::size_t>(row.at)])},
                {"code", row.code == 0 ? "other" : std::to_string(row.code)},
                {"reason", std::string(row.reason)}},
               s.totals.refusals[i]);
  }
  out.family("handoff_workers", "gauge", "Worker processes by state.");
  for (std::size_t i = 0; i < board::kStates; ++i) {
    out.sample({{"state", board::name_of(static_cast<board::State>(i))}}, s.by_state[i]);
  }
  for (std::size_t i = 0; i < board::kStages; ++i) {
    out.family(kStageFields[i].metric, "histogram", kStageFields[i].help);
    out.histogram(s.totals.stages[i]);
  }
  backends(out, s.backends, s.now);
  return out.end();
}

}  // namespace handoff::status
