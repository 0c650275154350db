#include "sys/fd.hh"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace handoff::sys {
namespace {

std::pair<Fd, Fd> owned(const std::array<int, 2>& ends) {
  for (int fd : ends) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

}  // namespace

void Fd::reset(int fd) {
  // Not retried on EINTR: Linux has closed the descriptor by then, and the number may be reused.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Fd duplicate(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)); }

bool claim(const Fd& fd) {
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void put_in_place(const Fd& fd, int as) { ::dup2(fd.get(), as); }

Result<Pipe> open_pipe() {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) return Error{errno, "pipe", {}};
  auto [read, write] = owned(ends);
  return Pipe{std::move(read), std::move(write)};
}

Result<std::pair<Fd, Fd>> socket_pair(int type) {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, type, 0, ends.data()) != 0) return Error{errno, "socketpair", {}};
  return owned(ends);
}

std::size_t put(const Fd& to, std::string_view octets) {
  for (;;) {
    auto n = ::write(to.get(), octets.data(), octets.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return 0;
  }
}

std::optional<std::string> take(const Fd& from, std::size_t most) {
  std::string out(most, '\0');
  for (;;) {
    auto n = ::read(from.get(), out.data(), out.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || (n < 0 && !would_block(errno))) return std::nullopt;
    out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return out;
  }
}

}  // namespace handoff::sys
