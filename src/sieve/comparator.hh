// Comparators (RFC 4790) and relations (RFC 5231): how two texts are compared.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff::sieve {

struct ComparatorInfo {
  std::string_view name;
  bool base = false;        // usable without `require`
  bool substrings = false;  // supports :contains, :matches and :regex
  bool ignores_case = false;
  bool characters = true;  // '?' of :matches is a character of UTF-8, otherwise an octet
};

class Comparator {
 public:
  constexpr Comparator(ComparatorInfo info, std::string (*folding)(std::string_view),
                       std::strong_ordering (*ordering)(std::string_view, std::string_view))
      : info_(info), fold_(folding), order_(ordering) {}

  const ComparatorInfo& info() const { return info_; }
  // Returns the same octets for all texts that this comparator considers equal. With
  // i;ascii-casemap the positions of characters do not change.
  std::string fold(std::string_view text) const { return fold_(text); }
  std::strong_ordering order(std::string_view a, std::string_view b) const { return order_(a, b); }

 private:
  ComparatorInfo info_;
  std::string (*fold_)(std::string_view);
  std::strong_ordering (*order_)(std::string_view, std::string_view);
};

// i;octet, i;ascii-casemap, i;ascii-numeric (RFC 4790 9) or i;unicode-casemap (RFC 5051); null for
// any other name.
const Comparator* find_comparator(std::string_view name);

enum class Relation : std::uint8_t { kGt, kGe, kLt, kLe, kEq, kNe };
std::optional<Relation> find_relation(std::string_view name);
bool holds(Relation relation, std::strong_ordering order);

}  // namespace handoff::sieve
