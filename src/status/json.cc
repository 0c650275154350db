#include "base/quantity.hh"
#include "base/text.hh"
#include "status/fields.hh"
#include "status/views.hh"

namespace handoff::status {
namespace {

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
  bool fresh_ = true;  // no comma is needed
};

// Writes the numbers of a group as members of the current object.
void members(Json& json, const board::Snapshot& s, std::string_view group) {
  for (const auto& field : fields()) {
    if (field.group == group) json.key(field.name).number(field.value(s));
  }
}

template <class Item, class Show>
void list(Json& json, std::string_view name, const std::vector<Item>& items, Show show) {
  json.key(name).open('[');
  for (const auto& item : items) {
    json.open('{');
    show(item);
    json.close('}');
  }
  json.close(']');
}

void pool(Json& json, const board::Snapshot& s) {
  json.key("pool").open('{');
  members(json, s, "pool");
  for (std::size_t i = 0; i < board::kStates; ++i) {
    json.key(board::name_of(static_cast<board::State>(i))).number(s.by_state[i]);
  }
  json.key("throttled").boolean(s.throttled);
  json.close('}');
  json.new_line();
}

void latency(Json& json, std::string_view name, const board::Distribution& times) {
  json.key(name).open('{');
  json.key("count").number(times.count());
  json.key("p50").real(times.quantile(0.5) / 1e6);
  json.key("p95").real(times.quantile(0.95) / 1e6);
  json.key("p99").real(times.quantile(0.99) / 1e6);
  json.close('}');
}

void last_minute(Json& json, const board::Window& minute) {
  json.key("last_minute").open('{');
  json.key("seconds").real(minute.seconds);
  json.key("sessions_per_second").real(minute.sessions);
  json.key("delivered_per_second").real(minute.recipients);
  json.key("octets_per_second").real(minute.octets);
  for (std::size_t i = 0; i < board::kStages; ++i) {
    latency(json, kStageFields[i].name, minute.stages[i]);
  }
  json.close('}');
  json.new_line();
}

}  // namespace

std::string status_json(const board::Snapshot& s) {
  Json json;
  json.open('{');
  json.key("version").text(s.version);
  json.key("hostname").text(s.hostname);
  json.key("state").text(s.state);
  list(json, "reasons", s.findings, [&](const board::Finding& finding) {
    json.key("condition").text(board::name_of(finding.condition));
    json.key("what").text(finding.what);
  });
  members(json, s, "top");
  json.key("listen").open('[');
  for (const auto& listen : s.listen) json.text(listen);
  json.close(']');
  json.new_line();
  json.key("spool").open('{');
  json.key("path").text(s.spool);
  if (s.space) members(json, s, "spool");
  json.close('}');
  json.new_line();
  json.key("outgoing").open('{');
  members(json, s, "outgoing");
  json.close('}');
  json.new_line();
  pool(json, s);
  json.key("totals").open('{');
  members(json, s, "totals");
  json.close('}');
  json.new_line();
  json.key("replies").open('{');
  for (std::size_t i = 0; i < board::kReplyCodes; ++i) {
    bool known = i < board::kCodes.size();
    json.key(known ? std::to_string(board::kCodes[i]) : "other").number(s.totals.replies[i]);
  }
  json.close('}');
  json.new_line();
  list(json, "refusals", refusals(s), [&](const RefusalCount& refusal) {
    json.key("at").text(board::kAtNames[static_cast<std::size_t>(refusal.row->at)]);
    json.key("code").number(static_cast<std::uint64_t>(refusal.row->code));
    json.key("reason").text(refusal.row->reason);
    json.key("count").number(refusal.count);
  });
  json.new_line();
  list(json, "backends", s.backends, [&](const board::BackendFacts& backend) {
    json.key("name").text(backend.name);
    json.key("up").boolean(backend.is_up());
    json.key("since").number(static_cast<std::uint64_t>(backend.since()));
    json.key("connections").number(backend.connections);
    for (std::size_t i = 0; i < backend.recipients.size(); ++i) {
      json.key(board::kOutcomeNames[i]).number(backend.recipients[i]);
    }
    latency(json, "message_to_reply", backend.latency);
  });
  json.new_line();
  last_minute(json, s.minute);
  list(json, "failures", s.failures, [&](const board::Failure& failure) {
    json.key("when").number(static_cast<std::uint64_t>(failure.when));
    json.key("what").text(failure.what);
    json.key("address").text(failure.address);
  });
  json.new_line();
  list(json, "workers", s.workers, [&](const board::WorkerFacts& worker) {
    json.key("pid").number(static_cast<std::uint64_t>(worker.pid));
    json.key("generation").number(worker.generation);
    json.key("state").text(board::name_of(worker.state));
    json.key("departing").boolean(worker.departing);
    json.key("since").real(worker.since);
    json.key("peer").text(worker.peer);
    json.key("id").text(worker.message);
    json.key("sessions").number(worker.sessions);
    json.key("transactions").number(worker.transactions);
  });
  json.close('}');
  return json.take() + "\n";
}

}  // namespace handoff::status
