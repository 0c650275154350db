// Is there room for one more message, and for those that others are still receiving?
#pragma once

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

bool has_room(const sys::Space& space, const Reserve& reserve, const Demand& demand);

}  // namespace handoff::spool
