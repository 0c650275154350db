// What a run records about its steps: places of actions, tests with their values, notes.
#include "sieve/run.hh"

namespace handoff::sieve {

Place Run::place(const Call& call) const {
  auto script = running_.empty() ? "" : program_->scripts[running_.back()].name;
  return {script, call.line, rule_};
}

void Run::record(const Call& call, const std::vector<std::string>& values,
                 std::vector<std::string> keys, bool result) {
  if (trace_ == nullptr || trace_->size() >= limits_.trace_entries) return;
  TraceEntry entry;
  auto at = place(call);
  entry.script = std::move(at.script);
  entry.line = call.line;
  entry.rule = std::move(at.rule);
  entry.call = call.name;
  for (const auto& tag : call.tags) {
    entry.call += " :" + tag.name;
    if (tag.argument && tag.argument->type != Argument::Type::kNumber &&
        tag.argument->texts.size() == 1) {
      entry.call += " \"" + tag.argument->texts.front().literal + "\"";
    }
  }
  entry.values = values;
  entry.keys = std::move(keys);
  entry.result = result ? TraceEntry::Result::kTrue : TraceEntry::Result::kFalse;
  trace_->push_back(std::move(entry));
}

void Run::note(const Call& call, std::string what) {
  if (trace_ == nullptr || trace_->size() >= limits_.trace_entries) return;
  auto at = place(call);
  TraceEntry entry;
  entry.script = std::move(at.script);
  entry.line = call.line;
  entry.rule = std::move(at.rule);
  entry.call = call.name;
  entry.note = std::move(what);
  trace_->push_back(std::move(entry));
}

}  // namespace handoff::sieve
