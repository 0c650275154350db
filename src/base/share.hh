// An amount that is given as a number or as a percentage of a whole.
#pragma once

#include <cstdint>

namespace handoff {

struct Share {
  std::uint64_t number = 0;
  bool per_cent = false;

  // Returns the amount. A percentage of an unknown whole (0) is 0.
  std::uint64_t of(std::uint64_t whole) const {
    // Divides first, because the size of a filesystem times 100 could overflow.
    return per_cent ? whole / 100 * number + whole % 100 * number / 100 : number;
  }
};

}  // namespace handoff
