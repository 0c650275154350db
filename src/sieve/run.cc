#include "sieve/run.hh"

#include <algorithm>
#include <utility>

#include "base/text.hh"
#include "sieve/environment.hh"
#include "sieve/regex.hh"
#include "sieve/wildcard.hh"

namespace handoff::sieve {
namespace {

// How many octets of text one step compares.
constexpr std::uint64_t kOctetsOfStep = 1024;
// The steps that each octet of a regular expression costs when it is compiled, and the number of
// compiled expressions that are kept.
constexpr std::uint64_t kStepsOfPattern = 4;
constexpr std::size_t kMostRegexes = 32;

bool is_empty_keep(const Copy& copy) { return copy.folder.empty() && copy.special_use.empty(); }

}  // namespace

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
    return copy != nullptr && is_empty_keep(*copy);
  };
  if (auto keep = std::ranges::find_if(actions, is_keep); keep != actions.end()) {
    flags_ = std::get<Copy>(*keep).flags;
    kept_ = std::get<Copy>(*keep).place;
    actions.erase(keep);
    keep_ = true;
  }
  return keep_;
}

void Run::name_actions(const std::string& script) {
  for (auto& action : plan_.actions) {
    std::visit(
        [&](auto& a) {
          if (a.place.script.empty() && a.place.line != 0) a.place.script = script;
        },
        action);
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
    plan_.actions.emplace_back(std::move(copy));
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

std::optional<std::size_t> Run::index(const Call& call, std::size_t count) {
  const auto* argument = call.argument(Tag::kIndex);
  if (argument == nullptr || argument->number == 0 || argument->number > count) return std::nullopt;
  return call.has(Tag::kLast) ? count - argument->number : argument->number - 1;
}

bool Run::match_key(const Call& call, const Comparator& comparator, std::string_view value,
                    const Text& text, const std::string& key, bool quiet) {
  auto* values = program_->variables && !quiet ? &variables_ : nullptr;
  std::vector<std::string> found;
  if (!step(1 + value.size() / kOctetsOfStep))
    return fail(call.line, "the script takes too many steps"), false;
  if (call.has(Tag::kContains))
    return comparator.fold(value).find(comparator.fold(key)) != std::string::npos;
  if (call.has(Tag::kMatches)) {
    auto work = (limits_.steps - std::min(steps_, limits_.steps)) * kOctetsOfStep;
    auto before = work;
    bool matches =
        match_wildcards(key, value, comparator, values == nullptr ? nullptr : &found, work);
    if (!step((before - work) / kOctetsOfStep)) fail(call.line, "the script takes too many steps");
    if (matches && values != nullptr) values->set_match(std::move(found));
    return matches;
  }
  if (call.has(Tag::kRegex)) {
    const auto* regex = regex_of(call, text, key, comparator.info().ignores_case);
    if (regex == nullptr) return false;
    if (!step(regex_cost(*regex, value, values != nullptr)))
      return fail(call.line, "the script takes too many steps"), false;
    bool matches =
        find_regex(*regex, value, values == nullptr ? nullptr : &found, limits_.match_values);
    if (matches && values != nullptr) values->set_match(std::move(found));
    return matches;
  }
  if (const auto* relation = call.argument(Tag::kValue)) {
    return holds(*find_relation(relation->texts.front().literal), comparator.order(value, key));
  }
  return comparator.order(value, key) == 0;
}

// Null if the expression is invalid, which the trace and the log then report; the test is then
// false.
const re2::RE2* Run::regex_of(const Call& call, const Text& text, const std::string& key,
                              bool ignore_case) {
  if (text.regex) return text.regex.get();
  std::pair name{key, ignore_case};
  auto found = regexes_.find(name);
  if (found == regexes_.end()) {
    if (!step(key.size() * kStepsOfPattern))
      return fail(call.line, "the script takes too many steps"), nullptr;
    auto compiled = compile_regex(key, ignore_case);
    if (!compiled) {
      auto what = "regular expression '" + escape(key) + "': " + compiled.error().what;
      note(call, what);
      log(what);
    }
    if (regexes_.size() >= kMostRegexes) regexes_.clear();
    found = regexes_.emplace(std::move(name), compiled ? compiled.value() : Regex()).first;
  }
  return found->second.get();
}

bool Run::match(const Call& call, const std::vector<std::string>& values, const Argument& keys,
                bool quiet) {
  const auto* argument = call.argument(Tag::kComparator);
  const auto& comparator =
      *find_comparator(argument == nullptr ? call.kind->comparator
                                           : std::string_view(argument->texts.front().literal));
  auto expanded = list(keys);
  if (failed()) return false;
  bool result = false;
  if (const auto* relation = call.argument(Tag::kCount)) {
    auto count = std::to_string(values.size());
    for (const auto& key : expanded) {
      result = result ||
               holds(*find_relation(relation->texts.front().literal), comparator.order(count, key));
    }
    record(call, {count}, std::move(expanded), result);
    return result;
  }
  for (const auto& value : values) {
    for (std::size_t i = 0; i < expanded.size() && !result; ++i) {
      result = match_key(call, comparator, value, keys.texts[i], expanded[i], quiet);
      if (failed()) return false;
    }
    if (result) break;
  }
  record(call, values, std::move(expanded), result);
  return result;
}

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

bool Run::count_header_edit(std::size_t line) {
  if (++edits_ <= limits_.header_edits) return true;
  fail(line, "the script edits the header too often");
  return false;
}

// RFC 5429 2.4: a message that is rejected is neither delivered nor answered by vacation.
bool Run::conflicts(const Action& action) const {
  auto excludes = [](const Action& a, const Action& b) {
    if (!std::holds_alternative<Rejection>(a)) return false;
    const auto* outgoing = std::get_if<Outgoing>(&b);
    return outgoing == nullptr || outgoing->kind == Outgoing::Kind::kVacation;
  };
  return std::ranges::any_of(plan_.actions, [&](const Action& earlier) {
    return excludes(action, earlier) || excludes(earlier, action);
  });
}

// Returns whether an earlier action does the same; the earlier action then gets the flags of the
// later one (RFC 5232 2.3).
bool Run::merge(const Action& action) {
  for (auto& earlier : plan_.actions) {
    if (auto* a = std::get_if<Copy>(&earlier);
        a != nullptr && std::holds_alternative<Copy>(action)) {
      const auto& b = std::get<Copy>(action);
      auto folder = [&](const Copy& c) { return is_empty_keep(c) ? facts_->folder : c.folder; };
      if (folder(*a) != folder(b) || a->special_use != b.special_use || !(a->edited == b.edited))
        continue;
      a->flags = b.flags;
      return true;
    }
    if (auto* a = std::get_if<Redirect>(&earlier);
        a != nullptr && std::holds_alternative<Redirect>(action)) {
      if (a->to == std::get<Redirect>(action).to) return true;
    }
  }
  return false;
}

Flow Run::add(const Call& call, Action action, bool copies) {
  if (conflicts(action)) {
    return fail(call.line, "'" + call.name +
                               "' conflicts with an earlier action: a message cannot be rejected "
                               "and also delivered or answered");
  }
  if (!copies) keep_ = false;
  if (merge(action)) return Flow::kNext;
  if (plan_.actions.size() >= limits_.actions)
    return fail(call.line, "the total number of actions exceeds policy limit");
  if (std::holds_alternative<Redirect>(action)) {
    auto count = std::ranges::count_if(
        plan_.actions, [](const Action& a) { return std::holds_alternative<Redirect>(a); });
    if (static_cast<std::size_t>(count) >= limits_.redirects) {
      return fail(call.line, "the number of redirect actions exceeds policy limit");
    }
  }
  plan_.actions.push_back(std::move(action));
  return Flow::kNext;
}

}  // namespace handoff::sieve
