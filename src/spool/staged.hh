// A completed message as whoever copies it sees it: an open file and its facts. What a process has
// that may not open it by its name in staging.
#pragma once

#include <cstdint>
#include <string>

#include "sys/fd.hh"

namespace handoff::spool {

struct Staged {
  const sys::Fd& file;               // open to read
  std::string name;                  // in staging
  std::uint64_t size = 0;            // octets
  std::uint64_t content_offset = 0;  // where in the file the content begins, octets
};

}  // namespace handoff::spool
