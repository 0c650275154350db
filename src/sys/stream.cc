#include "sys/stream.hh"

#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/sockios.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>

#include "sys/signals.hh"

namespace handoff::sys {
namespace {

// What can be written to a pipe that poll called writable without blocking (POSIX: PIPE_BUF is at
// least 512).
constexpr std::size_t kUnblocked = _POSIX_PIPE_BUF;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Waited wait_for(std::span<pollfd> fds, Deadline deadline, bool stoppable) {
  for (;;) {
    if (stoppable && stop_requested()) return Waited::kStop;
    auto left = std::max(deadline - Steady::now(), Steady::duration::zero());
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout{static_cast<std::time_t>(seconds.count()),
                     static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
    int n = ::ppoll(fds.data(), static_cast<nfds_t>(fds.size()), &timeout,
                    stoppable ? wait_mask() : nullptr);
    if (n > 0) return Waited::kReady;
    if (n == 0) return Waited::kTimeout;
    // EINTR: look at the flag and the clock again. Others cannot be waited out: say ready, and let
    // the read or write tell.
    if (errno != EINTR) return Waited::kReady;
  }
}

Stream::Input Stream::read(char* buffer, std::size_t size, Deadline deadline, bool stoppable) {
  bool look_first = shared_;
  for (;;) {
    if (look_first) {
      std::array<pollfd, 1> fds{{{in_.get(), POLLIN, 0}}};
      switch (wait_for(fds, deadline, stoppable)) {
        case Waited::kTimeout:
          return {Got::kTimeout, 0};
        case Waited::kStop:
          return {Got::kStop, 0};
        case Waited::kReady:
          break;
      }
    }
    auto n = ::read(in_.get(), buffer, size);
    if (n > 0) return {Got::kOctets, static_cast<std::size_t>(n)};
    if (n == 0) return {Got::kEnd, 0};
    if (!would_block(errno) && errno != EINTR) return {Got::kBroken, 0};
    look_first = true;
  }
}

Status Stream::write(std::string_view octets, Deadline deadline) {
  while (!octets.empty()) {
    if (shared_) {
      std::array<pollfd, 1> fds{{{out(), POLLOUT, 0}}};
      if (wait_for(fds, deadline, false) == Waited::kTimeout) return Error{ETIMEDOUT, "write", {}};
    }
    auto n = ::write(out(), octets.data(),
                     shared_ ? std::min(octets.size(), kUnblocked) : octets.size());
    if (n >= 0) {
      octets.remove_prefix(static_cast<std::size_t>(n));
    } else if (would_block(errno)) {
      std::array<pollfd, 1> fds{{{out(), POLLOUT, 0}}};
      if (wait_for(fds, deadline, false) == Waited::kTimeout) return Error{ETIMEDOUT, "write", {}};
    } else if (errno != EINTR) {
      return Error{errno, "write", {}};
    }
  }
  return {};
}

bool Stream::has_input() const {
  std::array<pollfd, 1> fds{{{in_.get(), POLLIN, 0}}};
  return ::poll(fds.data(), 1, 0) > 0 && (fds[0].revents & POLLIN) != 0;
}

bool Stream::drained(Deadline deadline) const {
  constexpr std::chrono::milliseconds kLook{2};  // no system tells of this by an event
  for (;;) {
    int waiting = 0;
#ifdef SIOCOUTQ
    bool known = ::ioctl(out(), SIOCOUTQ, &waiting) == 0;
#else
    bool known = ::ioctl(out(), TIOCOUTQ, &waiting) == 0;
#endif
    if (!known && ::ioctl(out(), FIONREAD, &waiting) != 0) waiting = 0;  // a pipe; a file
    if (peer_broke()) return false;
    if (waiting == 0) return true;
    if (Steady::now() >= deadline) return false;
    static_cast<void>(wait_for({}, Steady::now() + kLook, false));
  }
}

bool Stream::peer_broke() const {
  std::array<pollfd, 1> fds{{{out(), 0, 0}}};
  return ::poll(fds.data(), 1, 0) > 0 && (fds[0].revents & POLLERR) != 0;
}

void Stream::end_output() { ::shutdown(out(), SHUT_WR); }

bool Stream::peer_gone() const {
  std::array<pollfd, 1> fds{{{out(), 0, 0}}};
  return ::poll(fds.data(), 1, 0) > 0 && (fds[0].revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace handoff::sys
