// set (RFC 5229 4), with :encodeurl (RFC 5435 6) and :quoteregex.
#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/modifiers.hh"
#include "sieve/run.hh"
#include "sieve/string_text.hh"

namespace handoff::sieve {
namespace {

// RFC 3986 2.3.
bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// Returns the size of the UTF-8 character at the start of a text.
std::size_t character_at(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) ++size;
  return size;
}

// Encodes each character. Stops before the first one that does not fit into `most` octets.
template <class Encode>
std::string encoded(std::string_view text, std::size_t most, Encode encode) {
  std::string out;
  while (!text.empty()) {
    auto character = text.substr(0, character_at(text));
    auto added = encode(character);
    if (out.size() + added.size() > most) break;
    out += added;
    text.remove_prefix(character.size());
  }
  return out;
}

std::string encode_url(std::string_view text, std::size_t most) {
  return encoded(text, most, [](std::string_view character) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (char c : character) {
      auto octet = static_cast<unsigned char>(c);
      if (is_unreserved(c)) {
        out += c;
      } else {
        out += {'%', kHex[octet >> 4], kHex[octet & 15]};
      }
    }
    return out;
  });
}

std::string quote(std::string_view text, std::size_t most, std::string_view special) {
  return encoded(text, most, [&](std::string_view character) {
    bool quoted = special.find(character) != std::string_view::npos;
    return (quoted ? "\\" : "") + std::string(character);
  });
}

template <class Change>
std::string all(std::string_view text, Change change) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), change);
  return out;
}
template <class Change>
std::string first(std::string_view text, Change change) {
  std::string out(text);
  if (!out.empty()) out.front() = change(out.front());
  return out;
}

// Counts UTF-8 characters.
std::string length(std::string_view text, std::size_t) {
  auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  return std::to_string(text.size() -
                        static_cast<std::size_t>(std::ranges::count_if(text, continues)));
}

char to_lower(char c) { return lower(c); }
char to_upper(char c) { return upper(c); }

struct Modifier {
  Tag tag;
  int precedence;  // RFC 5229 4.1: the highest is applied first, and only one of each may be given
  std::string (*apply)(std::string_view text, std::size_t most);
};
constexpr Modifier kModifiers[] = {
    {Tag::kLower, 40, [](std::string_view t, std::size_t) { return all(t, to_lower); }},
    {Tag::kUpper, 40, [](std::string_view t, std::size_t) { return all(t, to_upper); }},
    {Tag::kLowerfirst, 30, [](std::string_view t, std::size_t) { return first(t, to_lower); }},
    {Tag::kUpperfirst, 30, [](std::string_view t, std::size_t) { return first(t, to_upper); }},
    {Tag::kQuotewildcard, 20,
     [](std::string_view t, std::size_t most) { return quote(t, most, "*?\\"); }},
    {Tag::kQuoteregex, 20,
     [](std::string_view t, std::size_t most) { return quote(t, most, ".\\[]{}()*+?^$|"); }},
    {Tag::kEncodeurl, 15, encode_url},
    {Tag::kLength, 10, length},
};

void check_set(Checker& checker, Call& call) {
  checker.check_variable(call.arguments[0]);
  check_modifiers(checker, call);
}
Flow set(Run& run, const Call& call) {
  auto value = modify(call, run.string(call.arguments[1]), run.limits());
  set_variable(run, call.arguments[0].texts.front().literal, std::move(value));
  return Flow::kNext;
}

constexpr Kind kVariableKinds[] = {
    {.name = "set",
     .extension = "variables",
     .arguments = "ss",
     .tags = kModifierTags,
     .check = check_set,
     .command = set},
};

}  // namespace

std::span<const Kind> variable_kinds() { return kVariableKinds; }

void check_modifiers(Checker& checker, Call& call) {
  for (const auto& a : kModifiers) {
    for (const auto& b : kModifiers) {
      if (&a < &b && a.precedence == b.precedence && call.has(a.tag) && call.has(b.tag)) {
        checker.fault(call.line, "':" + call.find(a.tag)->name +
                                     "' and ':" + call.find(b.tag)->name + "' exclude each other");
      }
    }
  }
}

std::string modify(const Call& call, std::string value, const Limits& limits) {
  for (const auto& modifier : kModifiers) {
    if (call.has(modifier.tag)) value = modifier.apply(value, limits.variable_size);
  }
  return value;
}

void set_variable(Run& run, std::string_view name, std::string value) {
  auto parsed = parse_variable(name);
  run.variables().set(parsed->text, !parsed->space.empty(), std::move(value));
}

}  // namespace handoff::sieve
