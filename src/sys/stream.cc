#include "sys/stream.hh"

#include <limits.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/sockios.h>  // SIOCOUTQ; FIONWRITE is FreeBSD's and NetBSD's word for it
#endif

#include <algorithm>
#include <array>
#include <cerrno>

#include "sys/signals.hh"

namespace handoff::sys {
namespace {

// How many octets can be written to a pipe without blocking if poll reports it as writable (POSIX:
// PIPE_BUF is at least 512).
constexpr std::size_t kUnblocked = _POSIX_PIPE_BUF;
// How long recv itself waits, which is also the interval between checks for a stop.
constexpr std::chrono::milliseconds kPatience{50};
// Room for the largest TLS record (RFC 8446 5.2), octets.
constexpr std::size_t kRecord = 17 << 10;

// Octets that the peer has not received yet; 0 if the system does not report this.
int unread(int fd, bool is_socket) {
  int octets = 0;
  int result = 0;
  if (!is_socket) {
    result = ::ioctl(fd, FIONREAD, &octets);  // of a pipe; a file has none
  } else {
#if defined(SIOCOUTQ)
    result = ::ioctl(fd, SIOCOUTQ, &octets);
#elif defined(FIONWRITE)
    result = ::ioctl(fd, FIONWRITE, &octets);
#endif
  }
  return result == 0 ? octets : 0;
}

bool is_socket(const Fd& fd) {
  struct stat status;
  return ::fstat(fd.get(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

Stream::Stream(Fd socket) : in_(std::move(socket)), socket_in_(true), socket_out_(true) {}

Stream::Stream(Fd in, Fd out)
    : in_(std::move(in)),
      out_(std::move(out)),
      socket_in_(is_socket(in_)),
      socket_out_(is_socket(out_)) {}

void Stream::wait_in_reads() {
  if (life_to_watch() >= 0) return;  // then only our own waits notice the death of the parent
  timeval patience{0, std::chrono::microseconds(kPatience).count()};
  waits_in_reads_ =
      ::setsockopt(in_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0;
}

Waited wait_for(std::span<pollfd> fds, Deadline deadline, bool stoppable) {
  // The connection, and the descriptor that reports the death of the parent.
  std::array<pollfd, 2> both{};
  auto connection = fds;
  for (;;) {
    int life = connection.size() == 1 ? life_to_watch() : -1;
    if (life >= 0) {
      both = {{connection.front(), {life, POLLIN, 0}}};
      fds = both;
    } else {
      fds = connection;
    }
    if (stoppable && stop_requested()) return Waited::kStop;
    auto left = std::max(deadline - Steady::now(), Steady::duration::zero());
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timespec timeout{static_cast<std::time_t>(seconds.count()),
                     static_cast<long>(std::chrono::nanoseconds(left - seconds).count())};
    int n = ::ppoll(fds.data(), static_cast<nfds_t>(fds.size()), &timeout,
                    stoppable ? wait_mask() : nullptr);
    if (life >= 0 && n > 0) {
      if (both[1].revents != 0) parent_has_died();
      connection.front().revents = both[0].revents;
      if (both[0].revents == 0) continue;
    }
    if (n > 0) return Waited::kReady;
    if (n == 0) return Waited::kTimeout;
    // EINTR: check the flag and the clock again. For other errors report ready; the read or write
    // will fail.
    if (errno != EINTR) return Waited::kReady;
  }
}

Stream::Input Stream::read_raw(char* buffer, std::size_t size, Deadline deadline, bool stoppable) {
  auto now = Steady::now();
  // With constant input there is no wait in which a stop signal could arrive.
  if (stoppable && now - last_look_ >= kPatience) {
    let_stop_in();
    last_look_ = now;
  }
  if (stoppable && stop_requested()) return {Got::kStop, 0};
  bool waits = waits_in_reads_ && deadline - now >= kPatience;
  // Usually the peer has not sent the next octets yet, so polling before reading saves a system
  // call.
  bool look_first = !waits && (!socket_in_ || !more_expected_);
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
    auto n = socket_in_ ? ::recv(in_.get(), buffer, size, waits ? 0 : MSG_DONTWAIT)
                        : ::read(in_.get(), buffer, size);
    more_expected_ = n == static_cast<ssize_t>(size);
    if (n > 0) return {Got::kOctets, static_cast<std::size_t>(n)};
    if (n == 0) return {Got::kEnd, 0};
    if (!would_block(errno) && errno != EINTR) return {Got::kBroken, 0};
    waits = false;
    look_first = true;
  }
}

Status Stream::write_raw(std::string_view octets, Deadline deadline, Grace stop_grace) {
  bool look_first = !socket_out_;
  while (!octets.empty()) {
    if (look_first) {
      std::array<pollfd, 1> fds{{{out(), POLLOUT, 0}}};
      switch (wait_for(fds, deadline, stop_grace.has_value())) {
        case Waited::kTimeout:
          return Error{ETIMEDOUT, "write", {}};
        case Waited::kStop:
          deadline = std::min(deadline, Steady::now() + *stop_grace);
          stop_grace.reset();
          continue;
        case Waited::kReady:
          break;
      }
    }
    auto n = socket_out_ ? ::send(out(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                         : ::write(out(), octets.data(), std::min(octets.size(), kUnblocked));
    if (n >= 0) {
      octets.remove_prefix(static_cast<std::size_t>(n));
    } else if (would_block(errno)) {
      look_first = true;
    } else if (errno != EINTR) {
      return Error{errno, "write", {}};
    }
  }
  return {};
}

bool Stream::drained(Deadline deadline) const {
  constexpr std::chrono::milliseconds kLook{2};  // no system reports this as an event
  for (;;) {
    int waiting = unread(out(), socket_out_);
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

bool Stream::ends_in_order(Deadline deadline) {
  std::array<char, 1024> dropped;
  Input input;
  do {
    input = read_raw(dropped.data(), dropped.size(), deadline, false);
  } while (input.got == Got::kOctets && Steady::now() < deadline);
  return input.got == Got::kEnd && drained(deadline);
}

Stream::Input Stream::read(char* buffer, std::size_t size, Deadline deadline, bool stoppable) {
  if (!tls_) return read_raw(buffer, size, deadline, stoppable);
  for (;;) {
    auto read = tls_->read(buffer, size);
    switch (read.step) {
      case TlsSession::Step::kDone:
        return {Got::kOctets, read.size};
      case TlsSession::Step::kEnded:
        return {Got::kEnd, 0};
      case TlsSession::Step::kBroken:
        return {Got::kBroken, 0};
      case TlsSession::Step::kNeedInput:
        break;
    }
    auto got = exchange(deadline, stoppable);
    if (got != Got::kOctets) return {got, 0};
  }
}

Status Stream::write(std::string_view octets, Deadline deadline, Grace stop_grace) {
  if (!tls_) return write_raw(octets, deadline, stop_grace);
  if (!tls_->write(octets)) return Error{EPROTO, "write (" + tls_->fault() + ")", {}};
  return write_raw(tls_->take_output(), deadline, stop_grace);
}

Stream::Got Stream::exchange(Deadline deadline, bool stoppable) {
  if (!write_raw(tls_->take_output(), deadline)) return Got::kBroken;
  // Records without content do not extend the deadline.
  if (Steady::now() >= deadline) return Got::kTimeout;
  std::array<char, kRecord> octets;
  auto input = read_raw(octets.data(), octets.size(), deadline, stoppable);
  if (input.got == Got::kOctets) tls_->feed({octets.data(), input.size});
  return input.got;
}

Status Stream::start_tls(const TlsContext& context, Deadline deadline) {
  const char* what = "TLS handshake";
  tls_ = std::make_unique<TlsSession>(context);
  for (;;) {
    switch (tls_->shake_hands()) {
      case TlsSession::Step::kDone:
        tls_facts_ = tls_->facts();
        return write_raw(tls_->take_output(), deadline);
      case TlsSession::Step::kNeedInput:
        break;
      case TlsSession::Step::kEnded:
      case TlsSession::Step::kBroken: {
        // Sends the alert.
        static_cast<void>(write_raw(tls_->take_output(), deadline).ok());
        return explained(EPROTO, what + (" (" + tls_->fault() + ")"));
      }
    }
    switch (exchange(deadline, true)) {
      case Got::kOctets:
        break;
      case Got::kTimeout:
        return Error{ETIMEDOUT, what, {}};
      case Got::kStop:
        return Error{ECANCELED, what, {}};
      case Got::kEnd:
      case Got::kBroken:
        return Error{ECONNRESET, what, {}};
    }
  }
}

void Stream::end(Deadline deadline) {
  if (!tls_facts_) return;
  tls_->end();
  // Fails if the peer is gone, which does not matter.
  static_cast<void>(write_raw(tls_->take_output(), deadline).ok());
}

Stream::PeerEnd Stream::peer_end() const {
#ifdef POLLRDHUP
  std::array<pollfd, 2> fds{{{out(), 0, 0}, {in_.get(), POLLRDHUP, 0}}};
  constexpr short kNoMore = POLLRDHUP | POLLHUP;
#else
  std::array<pollfd, 2> fds{{{out(), 0, 0}, {in_.get(), 0, 0}}};
  constexpr short kNoMore = POLLHUP;
#endif
  if (::poll(fds.data(), fds.size(), 0) < 0) return PeerEnd::kOpen;
  if ((fds[0].revents & (POLLHUP | POLLERR)) != 0) return PeerEnd::kClosed;
  bool half = (fds[1].revents & kNoMore) != 0;
#ifndef POLLRDHUP
  char next;
  half = half || (socket_in_ && ::recv(in_.get(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
#endif
  return half ? PeerEnd::kHalfClosed : PeerEnd::kOpen;
}

}  // namespace handoff::sys
