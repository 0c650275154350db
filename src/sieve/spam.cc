// spamtest and virustest (RFC 5235): results of scanners as numbers.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/regex.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kPercentTags{TagUse{Tag::kPercent, "spamtestplus"}};
constexpr auto kSpamTags = join(kMatchTags, kPercentTags);

// Returns the value of the field or, if there is a pattern, the text that its group 1 matches.
std::optional<std::string> found_in(Run& run, const std::string& header,
                                    const std::string& pattern) {
  auto fields = run.message().header().find(header);
  if (header.empty() || fields.empty()) return std::nullopt;
  auto value = fields.front()->decoded();
  if (pattern.empty()) return value;
  auto regex = compile_regex(pattern, true);
  std::vector<std::string> groups;
  if (!regex || !find_regex(*regex.value(), value, &groups)) return std::nullopt;
  return groups.size() > 1 ? groups[1] : groups[0];
}

std::optional<double> number_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  auto trimmed = std::string(trim(*text));
  char* end = nullptr;
  double value = std::strtod(trimmed.c_str(), &end);
  if (end == trimmed.c_str() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Returns a number from 0 (clean) to 1 (certain); nothing if the message was not scanned.
std::optional<double> result_of(Run& run, const Facts::Scanner& scanner) {
  auto text = found_in(run, scanner.header, scanner.pattern);
  if (!text) return std::nullopt;
  auto most = scanner.most > 0
                  ? std::optional(scanner.most)
                  : number_of(found_in(run, scanner.most_header, scanner.most_pattern));
  std::optional<double> score;
  if (scanner.type == Facts::Scanner::Type::kStars) score = static_cast<double>(trim(*text).size());
  if (scanner.type == Facts::Scanner::Type::kScore) score = number_of(text);
  if (scanner.type == Facts::Scanner::Type::kScoreOrStars) {
    auto value = trim(*text);
    bool stars =
        std::ranges::all_of(value, [](char c) { return c == '*' || c == '+' || c == 'x'; });
    score = stars ? static_cast<double>(value.size()) : number_of(text);
  }
  if (!score || !most || *most <= 0) return std::nullopt;
  return std::clamp(*score / *most, 0.0, 1.0);
}

// Returns the index of the result in the list of words; 0 if it is not in the list.
std::optional<std::size_t> word_of(Run& run, const Facts::Scanner& scanner) {
  if (scanner.type != Facts::Scanner::Type::kText) return std::nullopt;
  auto text = found_in(run, scanner.header, scanner.pattern);
  for (std::size_t i = 0; text && i < scanner.words.size(); ++i) {
    if (!scanner.words[i].empty() && trim(*text) == scanner.words[i]) return i;
  }
  return 0;
}

// RFC 5235 2.2, 2.3: 0: not scanned; 1: clean; 10 or 5: certain.
std::string scaled(std::optional<double> result, double most) {
  if (!result) return "0";
  return std::to_string(static_cast<int>(std::lround(std::floor(*result * (most - 1) + 1 + 1e-9))));
}

// RFC 5235 3.1: a result of a scanner counts as 1, a message that was not scanned as 0.
bool match_result(Run& run, const Call& call, const std::string& value, bool scanned) {
  if (call.has(Tag::kCount) && !scanned) return run.match(call, {}, call.arguments[0]);
  return run.match(call, {value}, call.arguments[0]);
}

bool spamtest(Run& run, const Call& call) {
  const auto& scanner = run.facts().spam;
  bool percent = call.has(Tag::kPercent);
  if (auto word = word_of(run, scanner)) {
    auto value = percent ? std::min<std::size_t>(*word * 10, 100) : *word;
    return match_result(run, call, std::to_string(value), *word != 0);
  }
  auto result = result_of(run, scanner);
  auto value = percent && result ? std::to_string(std::lround(*result * 100)) : scaled(result, 10);
  return match_result(run, call, value, result.has_value());
}

bool virustest(Run& run, const Call& call) {
  const auto& scanner = run.facts().virus;
  if (auto word = word_of(run, scanner))
    return match_result(run, call, std::to_string(*word), *word != 0);
  auto result = result_of(run, scanner);
  return match_result(run, call, scaled(result, 5), result.has_value());
}

constexpr Kind kSpamKinds[] = {
    {.name = "spamtest",
     .extension = "spamtest|spamtestplus",
     .arguments = "s",
     .tags = kSpamTags,
     .test = spamtest},
    {.name = "virustest",
     .extension = "virustest",
     .arguments = "s",
     .tags = kMatchTags,
     .test = virustest},
};

}  // namespace

std::span<const Kind> spam_kinds() { return kSpamKinds; }

}  // namespace handoff::sieve
