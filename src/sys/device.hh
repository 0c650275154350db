// What a filesystem lies on.
#pragma once

#include <optional>
#include <string>

#include "sys/fd.hh"

namespace handoff::sys {

struct Device {
  std::string filesystem;          // "tmpfs", "ext4"; empty: the system does not tell, or not us
  bool memory = false;             // nothing of it outlives the machine
  std::optional<bool> rotational;  // a disk with arms; nothing: not known
};

// Of the directory or file. What cannot be found out is left out.
Device device_of(const Fd& file);

}  // namespace handoff::sys
