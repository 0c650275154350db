#include "sys/fd.hh"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace handoff::sys {

void Fd::reset(int fd) {
  // Not retried on EINTR: on Linux the descriptor is gone all the same, and may be another's.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Fd duplicate(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

bool claim(const Fd& fd) {
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void put_in_place(const Fd& fd, int as) { ::dup2(fd.get(), as); }

}  // namespace handoff::sys
