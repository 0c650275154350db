// An amount that is given as a number or as a part of a whole.
#pragma once

#include <cstdint>

namespace handoff {

struct Share {
  std::uint64_t number = 0;
  bool per_cent = false;

  // What it comes to. Of a whole that is not known (0) a part is 0.
  std::uint64_t of(std::uint64_t whole) const {
    // Divided first: a whole is octets of a filesystem, and may be large.
    return per_cent ? whole / 100 * number + whole % 100 * number / 100 : number;
  }
};

}  // namespace handoff
