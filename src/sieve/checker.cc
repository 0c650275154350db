#include "sieve/checker.hh"

#include <algorithm>

#include "base/text.hh"
#include "sieve/comparator.hh"
#include "sieve/parser.hh"
#include "sieve/regex.hh"
#include "sieve/string_text.hh"

namespace handoff::sieve {
namespace {

std::string named(const Call& call) { return "'" + call.name + "'"; }

// Describes a pattern of arguments in words: "a string, then a string list".
std::string describe_type(char type) {
  switch (type) {
    case 'n':
      return "a number";
    case 's':
      return "a string";
    default:
      return "a string or a list of strings";
  }
}

bool fits(const Argument& argument, char type) {
  switch (type) {
    case 'n':
      return argument.type == Argument::Type::kNumber;
    case 's':
      return argument.type == Argument::Type::kString;
    default:
      return argument.type != Argument::Type::kNumber;
  }
}

char type_of(TagValue value) {
  return value == TagValue::kNumber ? 'n' : value == TagValue::kString ? 's' : 'S';
}

}  // namespace

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
  if (call.arguments.size() != 1 || !fits(call.arguments[0], 'S') || !call.tags.empty() ||
      !call.tests.empty()) {
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

// Moves the argument of each tag from the positional arguments to the tag.
void Checker::resolve_tags(Call& call) {
  std::size_t taken = 0;  // positional arguments moved to tags so far
  for (auto& tag : call.tags) {
    if (resolve_tag(call, tag, taken)) continue;
    auto what = "unknown tag ':" + tag.name + "' for " + named(call);
    if (lenient_) {
      call.fault = what;
      call.kind = nullptr;
    } else {
      fault(tag.line, what);
    }
    break;
  }
  if (call.kind == nullptr) return;
  for (auto a = call.tags.begin(); a != call.tags.end(); ++a) {
    const auto* row = language_.tag(a->tag);
    for (auto b = call.tags.begin(); b != a; ++b) {
      const auto* other = language_.tag(b->tag);
      if (row == nullptr || other == nullptr) continue;
      if (a->tag == b->tag) {
        fault(a->line, "':" + a->name + "' is given twice");
      } else if (row->group != TagGroup::kNone && row->group == other->group) {
        fault(a->line, "':" + a->name + "' and ':" + b->name + "' exclude each other");
      }
    }
  }
}

bool Checker::resolve_tag(Call& call, TagArgument& tag, std::size_t& taken) {
  const TagRow* row = nullptr;
  for (const auto& use : call.kind->tags) {
    const auto* candidate = language_.tag(use.tag);
    if (candidate == nullptr || candidate->name != tag.name || !any_active(use.extension)) continue;
    row = candidate;
    break;
  }
  if (row == nullptr) return false;
  tag.tag = row->tag;
  if (row->value == TagValue::kNothing) return true;
  auto at = tag.before - taken;
  const auto* next = &tag + 1;
  bool followed = next == call.tags.data() + call.tags.size() || next->before > tag.before;
  if (!followed || at >= call.arguments.size() || !fits(call.arguments[at], type_of(row->value))) {
    fault(tag.line, "':" + tag.name + "' takes " + describe_type(type_of(row->value)));
    // Remove the argument that was probably meant for the tag, so that it causes no second fault.
    if (!followed || at >= call.arguments.size()) return true;
  }
  if (fits(call.arguments[at], type_of(row->value))) tag.argument = std::move(call.arguments[at]);
  call.arguments.erase(call.arguments.begin() + static_cast<std::ptrdiff_t>(at));
  ++taken;
  return true;
}

void Checker::check_arguments(Call& call) {
  if (call.kind == nullptr) return;
  auto wanted = call.kind->arguments;
  if (wanted.starts_with('?')) {
    wanted.remove_prefix(1);
    if (call.arguments.size() + 1 == wanted.size()) wanted.remove_prefix(1);
  } else if (wanted.ends_with('?')) {
    wanted.remove_suffix(1);
    if (call.arguments.size() + 1 == wanted.size()) wanted.remove_suffix(1);
  }
  if (call.arguments.size() != wanted.size()) {
    auto found = call.arguments.size();
    return fault(call.line, named(call) + " takes " + std::to_string(wanted.size()) +
                                (wanted.size() == 1 ? " argument, but " : " arguments, but ") +
                                std::to_string(found) + (found == 1 ? " is" : " are") + " given");
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (fits(call.arguments[i], wanted[i])) continue;
    fault(call.arguments[i].line, "argument " + std::to_string(i + 1) + " of " + named(call) +
                                      " must be " + describe_type(wanted[i]));
  }
}

void Checker::check_subtests(Call& call) {
  if (call.kind == nullptr) return;
  switch (call.kind->shape) {
    case Shape::kPlain:
      if (!call.tests.empty()) fault(call.line, named(call) + " takes no test");
      break;
    case Shape::kTest:
      if (call.tests.size() != 1 || call.list) fault(call.line, named(call) + " takes one test");
      break;
    case Shape::kTests:
      if (!call.list) fault(call.line, named(call) + " takes a list of tests in parentheses");
      break;
  }
  for (auto& inner : call.tests) test(inner);
}

// Decodes encoded characters (RFC 5228 2.4.2.4), then finds the variables.
void Checker::prepare(Argument& argument) {
  for (auto& text : argument.texts) {
    if (active("encoded-character")) {
      auto decoded = decode_characters(text.literal);
      if (!decoded) {
        fault(argument.line, "an encoded character is not a Unicode character");
        continue;
      }
      text.literal = *decoded;
    }
    if (!active("variables")) continue;
    text.pieces = find_variables(text.literal);
    for (const auto& piece : text.pieces) {
      if (piece.match && *piece.match > limits_.match_values) {
        fault(argument.line,
              "the last match variable is ${" + std::to_string(limits_.match_values) + "}");
      }
      auto space = piece.space.substr(0, piece.space.find('.'));
      if (space == "global" && !active("include")) {
        fault(argument.line, "variables of 'global' need: require \"include\"");
      } else if (space == "env" && !active("vnd.dovecot.environment")) {
        fault(argument.line, "variables of 'env' need: require \"vnd.dovecot.environment\"");
      } else if (!language_.knows_namespace(space)) {
        fault(argument.line, "unknown namespace '" + escape(piece.space) + "' of a variable");
      }
    }
  }
}

void Checker::check_match(Call& call) {
  if (call.kind == nullptr) return;
  const auto* comparator = &find_comparator(call.kind->comparator)->info();
  if (const auto* argument = call.argument(Tag::kComparator)) {
    const auto& text = argument->texts.front();
    const auto* found = text.constant() ? find_comparator(text.literal) : nullptr;
    if (!text.constant()) return fault(argument->line, "a comparator cannot be a variable");
    if (found == nullptr || !(found->info().base || active("comparator-" + text.literal))) {
      return fault(argument->line,
                   "comparator '" + escape(text.literal) + "' is unknown or not required");
    }
    comparator = &found->info();
  }
  for (auto tag : {Tag::kCount, Tag::kValue}) {
    const auto* relation = call.argument(tag);
    if (relation == nullptr) continue;
    const auto& text = relation->texts.front();
    if (!text.constant() || !find_relation(text.literal)) {
      fault(relation->line, "a relation is one of gt, ge, lt, le, eq, ne");
    }
  }
  bool partial = call.has(Tag::kContains) || call.has(Tag::kMatches) || call.has(Tag::kRegex);
  if (partial && !comparator->substrings) {
    fault(call.line,
          "comparator '" + std::string(comparator->name) + "' cannot look for a part of a text");
  }
  if (!call.has(Tag::kRegex) || call.arguments.empty()) return;
  for (auto& text : call.arguments.back().texts) {
    if (!text.constant()) continue;
    auto compiled = compile_regex(text.literal, comparator->ignores_case);
    if (!compiled) {
      fault(call.arguments.back().line,
            "regular expression '" + escape(text.literal) + "': " + compiled.error().what);
    } else {
      text.regex = compiled.value();
    }
  }
}

std::string Checker::constant(const Argument& argument) {
  const auto& text = argument.texts.front();
  if (text.constant()) return text.literal;
  fault(argument.line, "a variable cannot be used here");
  return {};
}

void Checker::check_variable(const Argument& argument) {
  auto text = constant(argument);
  auto name = parse_variable(text);
  if (!name || name->match) {
    return fault(argument.line,
                 "'" + escape(text) + "' is not the name of a variable that can be set");
  }
  if (name->space == "global" ? !active("include") : !name->space.empty()) {
    return fault(argument.line, "variables of '" + name->space + "' cannot be set");
  }
  if (name->text.size() > limits_.variable_name_size) {
    return fault(argument.line, "the name of a variable is too long");
  }
  variables_.insert(name->space + "." + name->text);
  if (variables_.size() == limits_.variables + 1) {
    fault(argument.line, "there are more than " + std::to_string(limits_.variables) + " variables");
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
    fault(call.line, "there is no script '" + escape(name) + "' to include");
  }
}

}  // namespace handoff::sieve
