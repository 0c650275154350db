// How a new file that belongs to a message becomes durable together with it.
#pragma once

#include <cstdint>

namespace handoff::spool {

enum class Durable : std::uint8_t {
  // By a later sync of the staged file, because the filesystem keeps the order of names and of the
  // data that was written out before them (sys::FileSync::kNamesInOrder).
  kByOrder,
  kWithNames,   // by a sync of the new file, which includes its names (FileSync::kNames)
  kByDirectory  // by a sync of the new file and one of its directory
};

}  // namespace handoff::spool
