// Shows which host uses a directory on a local filesystem: a file that names the host, and that
// each process of this host locks with flock(2). The system releases the lock when a process ends
// in any way, so a host that was killed leaves nothing behind.
#pragma once

#include <string>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/host.hh"

namespace handoff::sys {

class HostClaim {
 public:
  // Locks the file `name` below `directory` for `host`, until the object is destroyed or the
  // process ends. EBUSY if processes of another host have it: the error's path is the name of that
  // host, or empty. Succeeds without a lock if the file cannot be created, for instance on a full
  // disk. Blocks for at most a second.
  static Result<HostClaim> take(const Fd& directory, const std::string& name, const Host& host);
  HostClaim() = default;

 private:
  explicit HostClaim(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

}  // namespace handoff::sys
