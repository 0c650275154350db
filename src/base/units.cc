#include "base/units.hh"

#include <algorithm>
#include <limits>

#include "base/text.hh"

namespace handoff {
namespace {

std::optional<std::uint64_t> multiplied(std::string_view digits, std::uint64_t factor) {
  auto number = parse_number(digits);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return *number * factor;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty()) return std::nullopt;
  auto digits = text.substr(0, text.size() - 1);
  switch (upper(text.back())) {
    case 'K':
      return multiplied(digits, 1ULL << 10);
    case 'M':
      return multiplied(digits, 1ULL << 20);
    case 'G':
      return multiplied(digits, 1ULL << 30);
    default:
      return parse_number(text);
  }
}

std::optional<Share> parse_share(std::string_view text,
                                 std::optional<std::uint64_t> (*parse)(std::string_view)) {
  bool per_cent = text.ends_with('%');
  auto number = per_cent ? parse_number(text.substr(0, text.size() - 1)) : parse(text);
  if (!number || (per_cent && *number > 99)) return std::nullopt;
  return Share{*number, per_cent};
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t factor = 0;
  switch (text.back()) {
    case 's':
      factor = 1;
      break;
    case 'm':
      factor = 60;
      break;
    case 'h':
      factor = 60 * 60;
      break;
    case 'd':
      factor = 24 * 60 * 60;
      break;
    default:
      break;
  }
  auto count =
      factor == 0 ? parse_number(text) : multiplied(text.substr(0, text.size() - 1), factor);
  // A century is longer than any useful wait, and short enough not to overflow a clock.
  constexpr std::uint64_t kCentury = 100ULL * 365 * 24 * 60 * 60;
  if (!count || *count > kCentury) return std::nullopt;
  return std::chrono::seconds(*count);
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  std::uint32_t mode = 0;
  for (char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
  }
  if (mode > 0777) return std::nullopt;
  return mode;
}

bool is_domain(std::string_view text) {
  // RFC 1035 2.3.4: 63 octets a label, 255 a name.
  return text.size() <= 255 && all_parts(text, '.', [](std::string_view label) {
           return !label.empty() && label.size() <= 63 && label.front() != '-' &&
                  label.back() != '-' && std::ranges::all_of(label, [](char c) {
                    return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
                  });
         });
}

bool is_account(std::string_view text) {
  return !text.empty() && text.front() != '-' && std::ranges::none_of(text, [](char c) {
    return is_control(c) || c == ' ' || c == ':' || c == '/';
  });
}

}  // namespace handoff
