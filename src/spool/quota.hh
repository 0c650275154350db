// The limits of a mailbox and its usage (R4), as values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace handoff::spool {

// 0: unlimited.
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

// Returns whether there is room for one more message of `size` octets.
inline bool fits(const QuotaLimits& limits, const QuotaUse& use, std::uint64_t size) {
  return (limits.size == 0 || (use.size <= limits.size && size <= limits.size - use.size)) &&
         (limits.messages == 0 || use.messages < limits.messages);
}

// Returns the usage in percent of the limit that is closest to being reached; 0 without limits.
inline unsigned percent_of(const QuotaLimits& limits, const QuotaUse& use) {
  auto part = [](std::uint64_t used, std::uint64_t limit) {
    if (limit == 0) return 0u;
    return static_cast<unsigned>(
        std::min(100.0 * static_cast<double>(used) / static_cast<double>(limit), 1000.0));
  };
  return std::max(part(use.size, limits.size), part(use.messages, limits.messages));
}

// The limits and the usage of a mailbox.
struct QuotaState {
  QuotaLimits limits;
  std::optional<QuotaUse> use;  // nothing: currently unknown
  bool certain = true;          // false: the count is old, and a new one is in progress

  // Counts one more message, of `size` octets.
  void add(std::uint64_t size) {
    if (!use) return;
    use->size += size;
    ++use->messages;
  }
};

}  // namespace handoff::spool
