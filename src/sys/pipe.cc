#include "sys/pipe.hh"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace handoff::sys {

Result<Pipe> open_pipe() {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) return Error{errno, "pipe", {}};
  for (int fd : ends) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace handoff::sys
