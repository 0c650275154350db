// Finds the process that listens on an address, for messages about an address that is in use.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/endpoint.hh"

namespace handoff::sys {

struct SocketHolder {
  pid_t pid = 0;
  std::string name;  // "systemd", as ps(1) shows with -o comm
};

// Returns the first process found; nothing on systems without Linux's /proc, and usually for
// processes of other users unless this one is root's.
std::optional<SocketHolder> holder_of(const Endpoint& endpoint);

}  // namespace handoff::sys
