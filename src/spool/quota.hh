// How much a mailbox may hold and how much it does (R4), as values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace handoff::spool {

// 0: any amount.
struct QuotaLimits {
  std::uint64_t size = 0;  // octets
  std::uint64_t messages = 0;

  bool any() const { return size != 0 || messages != 0; }
  bool operator==(const QuotaLimits&) const = default;
};

struct QuotaUse {
  std::uint64_t size = 0;
  std::uint64_t messages = 0;

  bool operator==(const QuotaUse&) const = default;
};

// Whether one more message, of `size` octets, has room.
inline bool fits(const QuotaLimits& limits, const QuotaUse& use, std::uint64_t size) {
  return (limits.size == 0 || (use.size <= limits.size && size <= limits.size - use.size)) &&
         (limits.messages == 0 || use.messages < limits.messages);
}

// How full, of the limit that is nearest; 0 without limits.
inline unsigned percent_of(const QuotaLimits& limits, const QuotaUse& use) {
  auto part = [](std::uint64_t used, std::uint64_t limit) {
    if (limit == 0) return 0u;
    return static_cast<unsigned>(
        std::min(100.0 * static_cast<double>(used) / static_cast<double>(limit), 1000.0));
  };
  return std::max(part(use.size, limits.size), part(use.messages, limits.messages));
}

// How a mailbox stands with its limits.
struct Standing {
  QuotaLimits limits;
  std::optional<QuotaUse> use;  // nothing: not known at the moment
  bool certain = true;          // false: what is known is old, and is being counted anew
};

// With one more message, of `size` octets.
inline Standing with_one_more(Standing standing, std::uint64_t size) {
  if (standing.use) {
    standing.use->size += size;
    ++standing.use->messages;
  }
  return standing;
}

}  // namespace handoff::spool
