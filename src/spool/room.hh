// Is there room for one more message, and for those that others are still receiving?
#pragma once

#include <chrono>
#include <cstdint>

#include "base/share.hh"
#include "sys/files.hh"

namespace handoff::spool {

// What is to be left free, of the filesystem.
struct Reserve {
  Share octets;
  Share inodes;
};

// What is going to be written, and was not yet.
struct Demand {
  std::uint64_t octets = 0;
  std::uint64_t files = 0;
};

// No disk takes so much in so short a time (40 GiB and two million files a second): where that is
// free beyond the demand, what the filesystem said a moment ago still holds.
constexpr std::chrono::milliseconds kMoment{50};
constexpr Demand kMostInAMoment{std::uint64_t{2} << 30, 100000};

bool has_room(const sys::Space& space, const Reserve& reserve, const Demand& demand);

}  // namespace handoff::spool
