// Is there room for one more message, and for those that other processes are receiving?
#pragma once

#include <chrono>
#include <cstdint>

#include "base/share.hh"
#include "sys/files.hh"

namespace handoff::spool {

// What must stay free on the filesystem.
struct Reserve {
  Share octets;
  Share inodes;
};

// What will be written, but has not been written yet.
struct Demand {
  std::uint64_t octets = 0;
  std::uint64_t files = 0;
};

// No disk is filled this fast (40 GiB and two million files per second): if this much is free
// beyond the demand, the filesystem's answer of a moment ago is still valid.
constexpr std::chrono::milliseconds kMoment{50};
constexpr Demand kMostInAMoment{std::uint64_t{2} << 30, 100000};

bool has_room(const sys::Space& space, const Reserve& reserve, const Demand& demand);

}  // namespace handoff::spool
