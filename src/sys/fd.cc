#include "sys/fd.hh"

#include <unistd.h>

namespace handoff::sys {

void Fd::reset(int fd) {
  // Not retried on EINTR: on Linux the descriptor is gone all the same, and may be another's.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace handoff::sys
