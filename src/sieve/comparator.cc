#include "sieve/comparator.hh"

#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/text.hh"

namespace handoff::sieve {
namespace {

std::string same(std::string_view text) { return std::string(text); }
// RFC 4790 9.2.1: letters are folded to upper case, so "_" comes after all of them.
std::string ascii_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = upper(c);
  return out;
}

std::strong_ordering octets(std::string_view a, std::string_view b) { return a.compare(b) <=> 0; }
std::strong_ordering casemap(std::string_view a, std::string_view b) {
  return octets(ascii_upper(a), ascii_upper(b));
}

// RFC 4790 9.1.1: the digits at the start of the text. A text without any is greater than all
// numbers.
std::optional<std::string_view> leading_digits(std::string_view text) {
  auto size = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  if (size == 0) return std::nullopt;
  text = text.substr(0, size);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  return text;
}
std::string numeric_fold(std::string_view text) {
  auto digits = leading_digits(text);
  return digits ? std::string(*digits) : "-";
}
std::strong_ordering numeric(std::string_view a, std::string_view b) {
  auto x = leading_digits(a);
  auto y = leading_digits(b);
  if (!x || !y) return y.has_value() <=> x.has_value();
  if (x->size() != y->size()) return x->size() <=> y->size();
  return octets(*x, *y);
}

using OwnedUtf8 = std::unique_ptr<uint8_t, decltype(&std::free)>;
const uint8_t* as_utf8(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// RFC 5051 2: title case, then compatibility decomposition. Octets that are not UTF-8 are folded as
// ASCII.
std::string unicode_fold(std::string_view text) {
  if (all_ascii(text) || u8_check(as_utf8(text), text.size()) != nullptr) return ascii_upper(text);
  std::size_t size = 0;
  OwnedUtf8 upper_case(u8_toupper(as_utf8(text), text.size(), nullptr, nullptr, nullptr, &size),
                       std::free);
  if (!upper_case) return ascii_upper(text);
  std::size_t normal_size = 0;
  OwnedUtf8 normal(u8_normalize(UNINORM_NFKD, upper_case.get(), size, nullptr, &normal_size),
                   std::free);
  if (!normal) return ascii_upper(text);
  return {reinterpret_cast<const char*>(normal.get()), normal_size};
}
std::strong_ordering unicode(std::string_view a, std::string_view b) {
  return octets(unicode_fold(a), unicode_fold(b));
}

constexpr Comparator kComparators[] = {
    {{"i;ascii-casemap", true, true, true, true}, ascii_upper, casemap},
    {{"i;octet", true, true, false, false}, same, octets},
    {{"i;ascii-numeric", false, false, false, true}, numeric_fold, numeric},
    {{"i;unicode-casemap", false, true, true, true}, unicode_fold, unicode},
};

constexpr std::array<std::pair<std::string_view, Relation>, 6> kRelations{{
    {"gt", Relation::kGt},
    {"ge", Relation::kGe},
    {"lt", Relation::kLt},
    {"le", Relation::kLe},
    {"eq", Relation::kEq},
    {"ne", Relation::kNe},
}};

}  // namespace

const Comparator* find_comparator(std::string_view name) {
  const auto* found = std::ranges::find_if(
      kComparators, [&](const Comparator& c) { return c.info().name == name; });
  return found == std::end(kComparators) ? nullptr : found;
}

std::optional<Relation> find_relation(std::string_view name) {
  const auto* found =
      std::ranges::find_if(kRelations, [&](const auto& r) { return iequals(r.first, name); });
  if (found == kRelations.end()) return std::nullopt;
  return found->second;
}

bool holds(Relation relation, std::strong_ordering order) {
  switch (relation) {
    case Relation::kGt:
      return order > 0;
    case Relation::kGe:
      return order >= 0;
    case Relation::kLt:
      return order < 0;
    case Relation::kLe:
      return order <= 0;
    case Relation::kEq:
      return order == 0;
    case Relation::kNe:
      return order != 0;
  }
  return false;
}

}  // namespace handoff::sieve
