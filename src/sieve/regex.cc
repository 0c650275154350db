#include "sieve/regex.hh"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>

namespace handoff::sieve {
namespace {

// Memory for one compiled expression, in octets. RE2's default of 8 MiB would let a script take
// much memory.
constexpr std::int64_t kMostMemory = std::int64_t{1} << 20;

// In brackets a backslash is an ordinary character in POSIX, but an escape in RE2.
std::string posix_to_re2(std::string_view pattern) {
  std::string out;
  bool brackets = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    out += c;
    if (!brackets) {
      if (c == '\\' && i + 1 < pattern.size()) out += pattern[++i];
      if (c != '[') continue;
      brackets = true;
      // "]" is ordinary at the start: "[]a]", "[^]a]".
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']')
        out += "\\" + std::string(1, pattern[++i]);
    } else if (c == '[' && i + 1 < pattern.size() && pattern[i + 1] == ':') {
      auto end = pattern.find(":]", i + 2);
      if (end == std::string_view::npos) continue;
      out += pattern.substr(i + 1, end + 1 - i);
      i = end + 1;
    } else if (c == '\\') {
      out += '\\';
    } else if (c == ']') {
      brackets = false;
    }
  }
  return out;
}

}  // namespace

Result<Regex> compile_regex(std::string_view pattern, bool ignore_case) {
  re2::RE2::Options options;
  options.set_posix_syntax(true);
  options.set_longest_match(true);
  options.set_one_line(true);
  options.set_case_sensitive(!ignore_case);
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  auto regex = std::make_shared<re2::RE2>(posix_to_re2(pattern), options);
  if (!regex->ok()) return explained(EINVAL, regex->error());
  return Regex(std::move(regex));
}

std::uint64_t regex_cost(const re2::RE2& regex, std::string_view text, bool values) {
  // To find groups, RE2 follows all states of the program at each character; otherwise it follows
  // one.
  constexpr std::uint64_t kTransitionsOfStep = 64;
  auto states = values ? static_cast<std::uint64_t>(regex.ProgramSize()) : 1;
  return 1 + states * text.size() / kTransitionsOfStep;
}

bool find_regex(const re2::RE2& regex, std::string_view text, std::vector<std::string>* values,
                std::size_t most) {
  auto groups =
      values == nullptr ? 0 : std::min(regex.NumberOfCapturingGroups(), static_cast<int>(most)) + 1;
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(groups));
  if (!regex.Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, found.data(),
                   groups)) {
    return false;
  }
  if (values != nullptr) {
    values->clear();
    for (const auto& group : found)
      values->emplace_back(group.data() == nullptr ? "" : group.data(), group.size());
  }
  return true;
}

}  // namespace handoff::sieve
