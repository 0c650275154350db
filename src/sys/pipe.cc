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

void put(const Fd& to, std::string_view octets) {
  while (::write(to.get(), octets.data(), octets.size()) < 0 && errno == EINTR) {
  }
}

std::string take_all(const Fd& from) {
  std::string out;
  std::array<char, 4096> buffer;
  for (;;) {
    auto n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace handoff::sys
