#include "sys/held_input.hh"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace handoff::sys {

Result<std::optional<std::size_t>> look_at_input(const Fd& socket, char* buffer, std::size_t size) {
  for (;;) {
    auto n = ::recv(socket.get(), buffer, size, MSG_PEEK | MSG_DONTWAIT);
    if (n >= 0) return std::optional(static_cast<std::size_t>(n));
    if (would_block(errno)) return std::optional<std::size_t>();
    if (errno != EINTR) return Error{errno, "read", {}};
  }
}

Status take_input(const Fd& socket, std::size_t size) {
  std::array<char, 4096> taken;
  while (size > 0) {
    auto n = ::recv(socket.get(), taken.data(), std::min(size, taken.size()), MSG_DONTWAIT);
    if (n > 0) {
      size -= static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      return Error{n == 0 ? ECONNRESET : errno, "read", {}};
    }
  }
  return {};
}

Result<std::size_t> send_some(const Fd& socket, std::string_view octets) {
  for (;;) {
    auto n = ::send(socket.get(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (would_block(errno)) return std::size_t{0};
    if (errno != EINTR) return Error{errno, "write", {}};
  }
}

void reset_when_closed(const Fd& socket) {
  linger now{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace handoff::sys
