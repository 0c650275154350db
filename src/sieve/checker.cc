#include "sieve/checker.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/parser.hh"
#include "sieve/string_text.hh"

namespace handoff::sieve {

Compiled compile(std::string_view script, Site& site, const Limits& limits,
                 const Language& language) {
  Compiled out;
  Checker(out, site, limits, language).add({}, script, ScriptPlace::kPersonal);
  return out;
}

std::size_t Checker::add(std::string name, std::string_view text, ScriptPlace place) {
  auto number = out_.program.scripts.size();
  out_.program.scripts.push_back({name, {}});
  included_.push_back({{place, name}, number});
  including_.emplace_back(place, name);
  Checker inner(out_, site_, limits_, language_);
  inner.name_ = std::move(name);
  inner.including_ = including_;
  inner.included_ = std::move(included_);
  Faults faults;
  auto commands = parse(text, limits_, faults);
  for (auto& fault : faults) inner.fault(fault.line, std::move(fault.what));
  inner.block(commands);
  inner.check_needs();
  out_.program.scripts[number].commands = std::move(commands);
  if (inner.active("variables")) out_.program.variables = true;
  included_ = std::move(inner.included_);
  including_.pop_back();
  return number;
}

void Checker::fault(std::size_t line, std::string what) {
  ++found_;
  if (out_.faults.size() < limits_.errors) out_.faults.push_back({name_, line, std::move(what)});
}

std::string Checker::named(const Call& call) { return "'" + call.name + "'"; }

bool Checker::any_active(std::string_view extensions) const {
  return extensions.empty() ||
         !all_parts(extensions, '|', [&](std::string_view e) { return !active(e); });
}

bool Checker::require(std::string_view name) {
  const auto* extension = language_.extension(name);
  if (extension == nullptr) return false;
  active_.emplace(name);
  if (!extension->includes.empty()) {
    for (auto other : split(extension->includes, ' ')) require(other);
  }
  return true;
}

void Checker::check_needs() {
  for (const auto& name : active_) {
    const auto* extension = language_.extension(name);
    if (extension == nullptr || extension->needs.empty()) continue;
    for (auto other : split(extension->needs, ' ')) {
      if (!active(other))
        fault(1, "extension '" + name + "' needs: require \"" + std::string(other) + "\"");
    }
  }
}

void Checker::block(std::vector<Call>& commands) {
  Branch before = Branch::kNone;
  for (auto& call : commands) {
    command(call, before);
    before = call.kind == nullptr ? Branch::kNone : call.kind->branch;
  }
}

void Checker::command(Call& call, Branch before) {
  if (call.name == "require") return check_requires(call);
  beginning_ = false;
  call.kind = kind_of(call, false);
  if (call.kind == nullptr) return reject_unknown(call, false);
  bool follows = call.kind->branch == Branch::kElsif || call.kind->branch == Branch::kElse;
  if (follows && before != Branch::kIf && before != Branch::kElsif) {
    fault(call.line, named(call) + " does not follow 'if' or 'elsif'");
  }
  contents(call);
  if (call.kind == nullptr) return;
  if (call.block && !call.kind->block) fault(call.line, named(call) + " takes no block");
  if (!call.block && call.kind->block) fault(call.line, named(call) + " needs a block");
  bool loop = call.name == "foreverypart";
  if (loop) {
    const auto* label = call.argument(Tag::kName);
    loops_.push_back(label == nullptr ? "" : label->texts.front().literal);
    if (loops_.size() > limits_.loop_depth) {
      fault(call.line, "more than " + std::to_string(limits_.loop_depth) + " loops are nested");
    }
  }
  block(call.commands);
  if (loop) loops_.pop_back();
}

void Checker::test(Call& call) {
  call.kind = kind_of(call, true);
  if (call.kind == nullptr) return reject_unknown(call, true);
  contents(call);
}

const Kind* Checker::kind_of(const Call& call, bool is_test) {
  const auto* kind = is_test ? language_.test(call.name) : language_.command(call.name);
  return kind != nullptr && any_active(kind->extension) ? kind : nullptr;
}

void Checker::reject_unknown(Call& call, bool is_test) {
  const auto* kind = is_test ? language_.test(call.name) : language_.command(call.name);
  std::string what = is_test ? "test" : "command";
  if (kind != nullptr) {
    auto extension = kind->extension.substr(0, kind->extension.find('|'));
    call.fault = what + " " + named(call) + " needs: require \"" + std::string(extension) + "\"";
  } else if ((is_test ? language_.command(call.name) : language_.test(call.name)) != nullptr) {
    call.fault = is_test ? named(call) + " is a command and cannot be a test"
                         : named(call) + " is a test and cannot be a command";
  } else {
    call.fault = "unknown " + what + " " + named(call);
  }
  if (!lenient_) fault(call.line, call.fault);
}

void Checker::check_requires(Call& call) {
  call.kind = language_.command(call.name);
  if (!beginning_) fault(call.line, "'require' must be before all other commands");
  if (call.block) fault(call.line, "'require' takes no block");
  if (call.arguments.size() != 1 || call.arguments[0].type == Argument::Type::kNumber ||
      !call.tags.empty() || !call.tests.empty()) {
    return fault(call.line, "'require' takes a string or a list of strings");
  }
  for (const auto& text : call.arguments[0].texts) {
    if (!require(text.literal)) {
      fault(call.arguments[0].line, "unknown extension '" + escape(text.literal) + "'");
    }
  }
}

void Checker::contents(Call& call) {
  auto before = found_;
  resolve_tags(call);
  check_arguments(call);
  for (auto& argument : call.arguments) prepare(argument);
  for (auto& tag : call.tags) {
    if (tag.argument) prepare(*tag.argument);
  }
  check_subtests(call);
  if (before == found_) check_match(call);
  if (call.kind != nullptr && call.kind->check != nullptr && before == found_) {
    call.kind->check(*this, call);
  }
}

void Checker::include(Call& call) {
  auto name = constant(call.arguments[0]);
  if (!is_script_name(name))
    return fault(call.line, "'" + escape(name) + "' is not a valid name of a script");
  std::pair key{call.has(Tag::kGlobal) ? ScriptPlace::kGlobal : ScriptPlace::kPersonal, name};
  if (std::ranges::find(including_, key) != including_.end() && !call.has(Tag::kOnce)) {
    return fault(call.line, "'" + escape(name) + "' includes itself");
  }
  auto earlier = std::ranges::find(included_, key, [](const auto& entry) { return entry.first; });
  if (earlier != included_.end()) {
    call.script = earlier->second;
    return;
  }
  if (including_.size() > limits_.include_depth)
    return fault(call.line, "includes are nested too deeply");
  if (included_.size() > limits_.includes) return fault(call.line, "too many scripts are included");
  auto text = site_.script(key.first, name);
  if (!text) {
    if (!out_.error) out_.error = text.error();
  } else if (text.value()) {
    call.script = add(name, *text.value(), key.first);
  } else if (!call.has(Tag::kOptional)) {
    // RFC 6609 3.1: this is an error when the command is executed.
    call.fault = "there is no script '" + escape(name) + "' to include";
    if (out_.missing.size() < limits_.errors)
      out_.missing.push_back({name_, call.line, call.fault});
  }
}

}  // namespace handoff::sieve
