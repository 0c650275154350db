#include "sys/arrivals.hh"

#include <cerrno>

#include "sys/signals.hh"
#include "sys/stream.hh"

#ifdef HAVE_EPOLLEXCLUSIVE
#include <sys/epoll.h>
#endif

namespace handoff::sys {

Result<Arrivals> Arrivals::watch(std::vector<const Fd*> listeners, const Fd& life) {
  Arrivals out;
  for (const auto* listener : listeners) out.fds_.push_back({listener->get(), POLLIN, 0});
  out.fds_.push_back({life.get(), POLLIN, 0});
#ifdef HAVE_EPOLLEXCLUSIVE
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return Error{errno, "epoll_create", {}};
  for (std::size_t i = 0; i < out.fds_.size(); ++i) {
    bool is_life = i + 1 == out.fds_.size();
    epoll_event event{};
    event.events = EPOLLIN;
    if (!is_life) event.events |= EPOLLEXCLUSIVE;
    event.data.u64 = i;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, out.fds_[i].fd, &event) != 0) {
      return Error{errno, "epoll_ctl", {}};
    }
  }
  out.epoll_ = std::move(epoll);
#endif
  return out;
}

Arrivals::Event Arrivals::wait() {
  for (;;) {
    // A wait that returns immediately delivers no signal. Without this call a constant flow of
    // clients would delay signals indefinitely.
    if (wait_for({}, Steady::now(), true) == Waited::kStop) return {What::kStop, 0};
#ifdef HAVE_EPOLLEXCLUSIVE
    epoll_event event{};
    if (::epoll_pwait(epoll_.get(), &event, 1, -1, wait_mask()) != 1) continue;
    auto index = static_cast<std::size_t>(event.data.u64);
    if (index + 1 == fds_.size()) return {What::kParentGone, 0};
    if ((event.events & EPOLLHUP) == 0) return {What::kConnection, index};
    // Another process has shut the listener down, so it reports readiness from now on.
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fds_[index].fd, nullptr) != 0) {
      return {What::kConnection, index};
    }
#else
    if (wait_for(fds_, Deadline::max(), true) == Waited::kStop) return {What::kStop, 0};
    if (fds_.back().revents != 0) return {What::kParentGone, 0};
    std::size_t count = fds_.size() - 1;
    for (std::size_t i = 0; i < count; ++i) {
      auto& fd = fds_[next_++ % count];
      if ((fd.revents & POLLHUP) != 0) {
        fd.fd = -1;  // as above
      } else if (fd.revents != 0) {
        return {What::kConnection, static_cast<std::size_t>(&fd - fds_.data())};
      }
    }
#endif
  }
}

}  // namespace handoff::sys
