// How a test compares values with keys (RFC 5228 2.7, RFC 5231).
#include <algorithm>
#include <utility>

#include "base/text.hh"
#include "sieve/regex.hh"
#include "sieve/run.hh"
#include "sieve/wildcard.hh"

namespace handoff::sieve {
namespace {

// The steps that each octet of a regular expression costs when it is compiled, and the number of
// compiled expressions that are kept.
constexpr std::uint64_t kStepsOfPattern = 4;
constexpr std::size_t kMostRegexes = 32;

}  // namespace

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

}  // namespace handoff::sieve
