#include "sys/service_manager.hh"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "base/text.hh"
#include "sys/fd.hh"

namespace handoff::sys {
namespace {

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  ServiceManager out;
  auto path = variable("NOTIFY_SOCKET");
  bool fits = path.size() > 1 && path.size() < sizeof(sockaddr_un::sun_path) &&
              (path[0] == '/' || path[0] == '@');
  if (fits) out.socket_ = path;
  auto us = parse_number(variable("WATCHDOG_USEC"));
  auto pid = variable("WATCHDOG_PID");
  bool ours = pid.empty() || parse_number(pid) == static_cast<std::uint64_t>(::getpid());
  if (us && *us > 0 && ours) {
    out.watchdog_ = std::max(std::chrono::milliseconds(*us / 2000), std::chrono::milliseconds(1));
  }
  return out;
}

void ServiceManager::tell(const std::string& state) const {
  if (socket_.empty()) return;
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
  if (!fd) return;
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  // If the queue is full, the watchdog is fed again soon; everything else is sent only once.
  bool again_soon = state == "WATCHDOG=1";
  timeval patience{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  union {
    sockaddr any;
    sockaddr_un un;
  } address{};
  address.un.sun_family = AF_UNIX;
  socket_.copy(address.un.sun_path, socket_.size());
  if (socket_[0] == '@') address.un.sun_path[0] = 0;
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  [[maybe_unused]] auto ignored = ::sendto(fd.get(), state.data(), state.size(),
                                           again_soon ? MSG_DONTWAIT : 0, &address.any, size);
}

void ServiceManager::tell_reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  auto us = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

}  // namespace handoff::sys
