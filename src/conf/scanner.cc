#include "conf/scanner.hh"

#include <algorithm>
#include <vector>

#include "base/text.hh"

namespace handoff::conf {
namespace {

constexpr std::uint64_t kHighestScore = 1'000'000;

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> out;
  for (auto word : split(text, ' ')) {
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

// RFC 5322 3.6.8: printable ASCII without a colon.
bool is_field(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

}  // namespace

std::optional<SpamScanner> parse_spam_scanner(std::string_view text) {
  auto words = words_in(text);
  if (words.size() != 2 || !is_field(words[0])) return std::nullopt;
  auto most = parse_number(words[1]);
  if (!most || *most == 0 || *most > kHighestScore) return std::nullopt;
  return SpamScanner{words[0], *most};
}

std::optional<VirusScanner> parse_virus_scanner(std::string_view text) {
  auto words = words_in(text);
  if (words.size() < 2 || !is_field(words[0])) return std::nullopt;
  VirusScanner out;
  out.field = words[0];
  words.erase(words.begin());
  for (const auto& word : words) {
    auto equals = std::min(word.rfind('='), word.size());
    auto number = parse_number(std::string_view(word).substr(std::min(equals + 1, word.size())));
    if (equals == 0 || !number || *number >= out.words.size()) return std::nullopt;
    out.words[*number] = word.substr(0, equals);
  }
  return out;
}

}  // namespace handoff::conf
