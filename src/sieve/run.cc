#include "sieve/run.hh"

#include <algorithm>
#include <utility>

#include "base/text.hh"
#include "sieve/environment.hh"

namespace handoff::sieve {

Run::Run(Message& message, const Facts& facts, Site& site, const Limits& limits, Trace* trace)
    : message_(&message),
      facts_(&facts),
      site_(site),
      limits_(limits),
      trace_(trace),
      variables_(limits) {}

Flow Run::execute(const Program& program) {
  program_ = &program;
  rule_.clear();
  executed_.clear();
  executed_.insert(0);
  running_.assign(1, 0);
  variables_.enter();  // each script has its own variables
  auto flow = block(program.scripts.front().commands);
  variables_.leave();
  running_.clear();
  return failed() ? Flow::kFailed : flow;
}

bool Run::carries_on() {
  if (failed()) return false;
  auto& actions = plan_.actions;
  auto is_keep = [](const Action& action) {
    const auto* copy = std::get_if<Copy>(&action);
    return copy != nullptr && copy->keeps();
  };
  if (auto keep = std::ranges::find_if(actions, is_keep); keep != actions.end()) {
    flags_ = std::get<Copy>(*keep).flags;
    kept_ = std::get<Copy>(*keep).place;
    actions.erase(keep);
    keep_ = true;
  }
  return keep_;
}

void Run::name_script(const std::string& script) {
  for (auto& action : plan_.actions) {
    std::visit(
        [&](auto& a) {
          if (a.place.script.empty() && a.place.line != 0) a.place.script = script;
        },
        action);
  }
  if (trace_ != nullptr) {
    for (auto& entry : *trace_) {
      if (entry.script.empty()) entry.script = script;
    }
  }
  auto& discarded = plan_.discarded_by;
  if (discarded.script.empty() && discarded.line != 0) discarded.script = script;
  if (fault_ && fault_->script.empty()) fault_->script = script;
}

Plan Run::finish() {
  if (failed()) {
    plan_ = {};
    plan_.actions.emplace_back(Copy{});
  } else if (keep_) {
    Copy copy;
    copy.place = kept_;
    copy.flags = flags_;
    copy.edited = message_->edited();
    if (Action action = std::move(copy); !merge(action)) plan_.actions.push_back(std::move(action));
  }
  bool stored = std::ranges::any_of(
      plan_.actions, [](const Action& a) { return std::holds_alternative<Copy>(a); });
  bool rejected = std::ranges::any_of(
      plan_.actions, [](const Action& a) { return std::holds_alternative<Rejection>(a); });
  plan_.discarded = !stored && !rejected;
  return std::move(plan_);
}

void Run::reset() {
  plan_ = {};
  keep_ = true;
  flags_.clear();
  edits_ = 0;
  questions_ = 0;
  fault_.reset();
  error_.reset();
}

std::string Run::new_message_id() {
  const auto& id = facts_->message_id;
  return ++messages_ == 1 || id.empty() ? id : std::to_string(messages_) + "." + id;
}

Flow Run::fail(std::size_t line, std::string what) {
  if (!failed()) {
    auto script =
        running_.empty() || program_ == nullptr ? "" : program_->scripts[running_.back()].name;
    fault_ = Fault{script, line, std::move(what)};
  }
  return Flow::kFailed;
}

Flow Run::fail(const Error& error) {
  if (!failed()) error_ = error;
  return Flow::kFailed;
}

bool Run::step(std::uint64_t count) {
  steps_ += count;
  return steps_ <= limits_.steps;
}

bool Run::may_ask() {
  if (!step()) return fail(line_, "the script takes too many steps"), false;
  if (++questions_ <= limits_.questions) return true;
  return fail(line_, "the script asks about too many folders, messages or items"), false;
}

Flow Run::block(const std::vector<Call>& commands) {
  // The name of a rule applies to the next command of the script, including its block.
  bool outermost = &commands == &program_->scripts[running_.back()].commands;
  bool taken = false;  // a branch of the current if, elsif, else
  for (const auto& call : commands) {
    line_ = call.line;
    if (!step()) return fail(call.line, "the script takes too many steps");
    if (call.kind == nullptr) return fail(call.line, call.fault);
    if (outermost || !call.rule.empty()) rule_ = call.rule;
    auto flow = Flow::kNext;
    switch (call.kind->branch) {
      case Branch::kNone:
        flow = call.kind->command(*this, call);
        break;
      case Branch::kIf:
        taken = false;
        [[fallthrough]];
      case Branch::kElsif:
      case Branch::kElse:
        if (taken) continue;
        taken = call.kind->branch == Branch::kElse || test(call.tests.front());
        if (failed()) return Flow::kFailed;
        if (taken) flow = block(call.commands);
        break;
    }
    if (failed()) return Flow::kFailed;
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

bool Run::test(const Call& call) {
  line_ = call.line;
  if (!step()) return fail(call.line, "the script takes too many steps"), false;
  if (call.kind == nullptr) return fail(call.line, call.fault), false;
  bool result = call.kind->test(*this, call);
  return result && !failed();
}

Flow Run::include(const Call& call) {
  if (running_.size() > limits_.include_depth)
    return fail(call.line, "includes are nested too deeply");
  running_.push_back(call.script);
  executed_.insert(call.script);
  variables_.enter();
  auto rule = rule_;
  auto flow = block(program_->scripts[call.script].commands);
  rule_ = std::move(rule);
  variables_.leave();
  running_.pop_back();
  return flow == Flow::kReturn ? Flow::kNext : flow;
}

std::string Run::expand(const Text& text) {
  if (text.constant()) return text.literal;
  std::string out;
  for (const auto& piece : text.pieces) {
    if (!piece.variable) {
      out += piece.text;
    } else if (piece.match) {
      out += variables_.match(*piece.match);
    } else if (piece.space.empty() || piece.space == "global") {
      out += variables_.get(piece.text, !piece.space.empty());
    } else {
      // ${env.vnd.dovecot.default_mailbox}: the name of an ordinary variable has no hyphen.
      auto item = piece.space + "." + piece.text;
      if (item.starts_with("env.")) item.erase(0, 4);
      auto value = environment_item(*this, item);
      std::ranges::replace(item, '_', '-');
      out += value ? *value : environment_item(*this, item).value_or("");
    }
    step(out.size() / kOctetsOfStep);
    if (out.size() > limits_.script_size) break;
  }
  return out;
}

std::vector<std::string> Run::list(const Argument& argument) {
  std::vector<std::string> out;
  for (const auto& text : argument.texts) out.push_back(expand(text));
  return out;
}

std::optional<std::string> Run::string(const Call& call, Tag tag) {
  const auto* argument = call.argument(tag);
  if (argument == nullptr) return std::nullopt;
  return string(*argument);
}

}  // namespace handoff::sieve
