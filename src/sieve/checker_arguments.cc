// The arguments of a command or test: the tags, their order, their types, and the tests in it.
#include <algorithm>

#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/comparator.hh"
#include "sieve/regex.hh"

namespace handoff::sieve {
namespace {

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

}  // namespace handoff::sieve
