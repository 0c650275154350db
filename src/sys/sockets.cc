#include "sys/sockets.hh"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>

#include "sys/process.hh"
#include "sys/stream.hh"

namespace handoff::sys {
namespace {

constexpr std::chrono::milliseconds kQueuePause{
    10};  // before the queue of a unix socket is tried again

Error failure(const char* what, const Endpoint& endpoint) {
  return Error{errno, what, endpoint.text()};
}

bool set_flags(int fd, bool blocks = false) {
  int flags = ::fcntl(fd, F_GETFL);
  flags = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  return ::fcntl(fd, F_SETFL, flags) == 0 && ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

Fd open_socket(int family) {
  Fd fd(::socket(family, SOCK_STREAM, 0));
  if (fd && !set_flags(fd.get())) fd.reset();
  return fd;
}

union AnyAddress {
  sockaddr any;
  sockaddr_un un;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_storage storage;
};

AnyAddress unix_address(const std::string& path) {
  AnyAddress address{};
  address.un.sun_family = AF_UNIX;
  // parse_endpoint() has checked the length.
  path.copy(address.un.sun_path, sizeof address.un.sun_path - 1);
  return address;
}

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

Result<AddressList> resolve(const Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  auto port = std::to_string(endpoint.port);
  int code = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &list);
  if (code != 0) {
    if (code == EAI_SYSTEM) return Error{errno, "resolve", endpoint.text()};
    return explained(EADDRNOTAVAIL, std::string("resolve: ") + ::gai_strerror(code),
                     endpoint.text());
  }
  return AddressList(list, ::freeaddrinfo);
}

// Returns whether a process listens on the socket file.
bool is_live(const AnyAddress& address) {
  Fd probe = open_socket(AF_UNIX);
  if (!probe) return true;
  int result = ::connect(probe.get(), &address.any, sizeof address.un);
  // EAGAIN: its backlog is full, so a process listens.
  return result == 0 || (errno != ECONNREFUSED && errno != ENOENT);
}

// Binds with the final mode: until listen() nobody can connect anyway.
bool bind_with_mode(const Fd& socket, const std::string& path, mode_t mode) {
  auto address = unix_address(path);
  mode_t before = ::umask(~mode & 0777);
  bool bound = ::bind(socket.get(), &address.any, sizeof address.un) == 0;
  int error = errno;
  ::umask(before);
  errno = error;
  return bound;
}

// Requires that nobody else can change the entries of `directory`.
Status set_rights(const Fd& directory, const std::string& name, const SocketRights& rights) {
  uid_t owner = rights.owner.value_or(static_cast<uid_t>(-1));
  gid_t group = rights.group.value_or(static_cast<gid_t>(-1));
  if (rights.owner || rights.group) {
    if (::fchownat(directory.get(), name.c_str(), owner, group, AT_SYMLINK_NOFOLLOW) != 0) {
      return Error{errno, "chown", name};
    }
  }
  // The umask does not apply in a directory with a default ACL.
  if (::fchmodat(directory.get(), name.c_str(), rights.mode, 0) != 0) {
    return Error{errno, "chmod", name};
  }
  return {};
}

// For a path that another user can change: the socket is created elsewhere, and is complete when it
// gets its name here.
Status bind_beside(const Fd& socket, const OwnEntry& entry, const SocketRights& rights) {
  auto made = PrivateDirectory::make(entry.directory(),
                                     "." + entry.name() + "." + std::to_string(random_number()));
  if (!made) return made.error();
  const auto& directory = made.value().descriptor();
  const char* name = entry.name().c_str();
  Fd before(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!before) before = Fd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::fchdir(directory.get()) != 0) return Error{errno, "chdir", entry.name()};
  bool bound = bind_with_mode(socket, entry.name(), rights.mode);
  Error failed{errno, "bind", entry.name()};
  if (::fchdir(before.get()) != 0) return Error{errno, "chdir", {}};
  if (!bound) return failed;
  auto set = set_rights(directory, entry.name(), rights);
  if (set && ::renameat(directory.get(), name, entry.directory().get(), name) != 0) {
    set = Error{errno, "rename", entry.name()};
  }
  if (!set) ::unlinkat(directory.get(), name, 0);
  return set;
}

Result<std::vector<Fd>> listen_on_unix(const Endpoint& endpoint, int backlog,
                                       const SocketRights& rights) {
  auto located = OwnEntry::locate(endpoint.path, true);
  if (!located) return located.error();
  const auto& entry = located.value();
  Fd fd = open_socket(AF_UNIX);
  if (!fd) return failure("socket", endpoint);
  struct stat status;
  int directory = entry.directory().get();
  if (::fstatat(directory, entry.name().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISSOCK(status.st_mode) || is_live(unix_address(endpoint.path))) {
      return Error{EADDRINUSE, "bind", endpoint.text()};
    }
    if (::unlinkat(directory, entry.name().c_str(), 0) != 0 && errno != ENOENT) {
      return failure("unlink", endpoint);
    }
  }
  Status done;
  if (!entry.is_private()) {
    done = bind_beside(fd, entry, rights);
  } else if (bind_with_mode(fd, endpoint.path, rights.mode)) {
    done = set_rights(entry.directory(), entry.name(), rights);
  } else {
    done = failure("bind", endpoint);
  }
  if (!done) return Error{done.error().code, done.error().what, endpoint.text()};
  if (::listen(fd.get(), backlog) != 0) return failure("listen", endpoint);
  std::vector<Fd> list;
  list.push_back(std::move(fd));
  return list;
}

Result<std::vector<Fd>> listen_on_tcp(const Endpoint& endpoint, int backlog) {
  auto addresses = resolve(endpoint, AI_PASSIVE);
  if (!addresses) return addresses.error();
  std::vector<Fd> list;
  for (auto* at = addresses.value().get(); at != nullptr; at = at->ai_next) {
    Fd fd = open_socket(at->ai_family);
    if (!fd && errno == EAFNOSUPPORT) continue;
    if (!fd) return failure("socket", endpoint);
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6) {
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(fd.get(), at->ai_addr, at->ai_addrlen) != 0) {
      // "localhost" can resolve to ::1 on a system without that address.
      if (errno == EADDRNOTAVAIL && at->ai_next != nullptr) continue;
      if (errno == EADDRNOTAVAIL && !list.empty()) continue;
      return failure("bind", endpoint);
    }
    if (::listen(fd.get(), backlog) != 0) return failure("listen", endpoint);
    list.push_back(std::move(fd));
  }
  if (list.empty()) return Error{EADDRNOTAVAIL, "bind", endpoint.text()};
  return list;
}

// Nothing if it is no TCP address.
std::optional<std::uint16_t> port_of(const AnyAddress& address) {
  if (address.any.sa_family == AF_INET) return ntohs(address.v4.sin_port);
  if (address.any.sa_family == AF_INET6) return ntohs(address.v6.sin6_port);
  return std::nullopt;
}

Peer describe(const AnyAddress& address) {
  Peer peer;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.v4.sin_addr, text.data(), text.size());
    peer.ip = parse_ip(text.data());
  } else if (address.any.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text.data(), text.size());
    peer.ip = parse_ip(text.data());
  }
  peer.port = port_of(address).value_or(0);
  peer.text = peer.ip ? "[" + literal_of(*peer.ip) + "]" : "local";
  return peer;
}

}  // namespace

Result<std::vector<Fd>> listen_on(const Endpoint& endpoint, int backlog,
                                  const SocketRights& rights) {
  return endpoint.is_unix ? listen_on_unix(endpoint, backlog, rights)
                          : listen_on_tcp(endpoint, backlog);
}

SocketFile::SocketFile(const std::string& path) {
  auto located = OwnEntry::locate(path);
  if (!located) return;
  entry_.emplace(std::move(located).value());
  entry_->remember();
}

void SocketFile::remove() const {
  if (entry_) entry_->remove();
}

Result<std::optional<Connection>> accept_from(const Fd& listener) {
  AnyAddress address{};
  socklen_t size = sizeof address;
#ifdef HAVE_ACCEPT4
  Fd fd(::accept4(listener.get(), &address.any, &size, SOCK_CLOEXEC));
#else
  Fd fd(::accept(listener.get(), &address.any, &size));
  // The BSDs give it the listener's flags.
  if (fd && !set_flags(fd.get(), true)) return Error{errno, "accept", {}};
#endif
  if (!fd) {
    // Another worker was faster, or the client is gone (accept(2), "Error handling").
    static constexpr int kNoConnection[] = {EAGAIN, EWOULDBLOCK, EINTR,       ECONNABORTED,
                                            EPROTO, ENETDOWN,    ENETUNREACH, EHOSTUNREACH};
    if (std::ranges::find(kNoConnection, errno) != std::end(kNoConnection))
      return std::optional<Connection>();
    return Error{errno, "accept", {}};
  }
  // A unix client has no address: accept() does not set the family.
  if (size < sizeof(sa_family_t)) address.any.sa_family = AF_UNIX;
  if (address.any.sa_family != AF_UNIX) {
    int on = 1;  // replies are written whole; waiting for more would only delay them
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  Peer peer = describe(address);
  return std::optional<Connection>(Connection{std::move(fd), std::move(peer)});
}

bool connection_waits(const std::vector<const Fd*>& listeners) {
  std::vector<pollfd> fds;
  for (const auto* listener : listeners) fds.push_back({listener->get(), POLLIN, 0});
  return ::poll(fds.data(), static_cast<nfds_t>(fds.size()), 0) > 0;
}

Peer peer_of(int fd) {
  AnyAddress address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, &address.any, &size) != 0) address.any.sa_family = AF_UNSPEC;
  return describe(address);
}

void stop_listening(const Fd& listener) { ::shutdown(listener.get(), SHUT_RDWR); }

std::optional<Endpoint> listening_at(int fd) {
  int listening = 0;
  int type = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
    return std::nullopt;
  }
  length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_STREAM) {
    return std::nullopt;
  }
  AnyAddress address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.any, &size) != 0) return std::nullopt;
  Endpoint endpoint;
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (address.any.sa_family) {
    case AF_UNIX:
      if (size > offsetof(sockaddr_un, sun_path)) endpoint.path = address.un.sun_path;
      return endpoint;
    case AF_INET:
      ::inet_ntop(AF_INET, &address.v4.sin_addr, text.data(), text.size());
      break;
    case AF_INET6:
      ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text.data(), text.size());
      break;
    default:
      return std::nullopt;
  }
  endpoint.is_unix = false;
  endpoint.host = text.data();
  endpoint.port = *local_port(fd);
  return endpoint;
}

bool is_same_socket(int one, int other) {
  struct stat a;
  struct stat b;
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && S_ISSOCK(b.st_mode) &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

std::optional<std::uint16_t> local_port(int fd) {
  AnyAddress address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, &address.any, &size) != 0) return std::nullopt;
  return port_of(address);
}

void hang_up(int fd) { ::shutdown(fd, SHUT_RDWR); }

Result<std::pair<Fd, Fd>> connected_pair() { return socket_pair(SOCK_STREAM); }

Result<Fd> connect_to(const Endpoint& endpoint, Steady::time_point deadline) {
  auto finish = [&](int family, const sockaddr* address, socklen_t size) -> Result<Fd> {
    Fd fd = open_socket(family);
    if (!fd) return failure("socket", endpoint);
    int failed = ::connect(fd.get(), address, size);
    // The queue of a unix socket is full. The system does not report when there is room.
    while (failed != 0 && errno == EAGAIN && family == AF_UNIX && Steady::now() < deadline) {
      wait_for({}, std::min(deadline, Steady::now() + kQueuePause), false);
      failed = ::connect(fd.get(), address, size);
    }
    if (failed == 0) return fd;
    if (errno == EAGAIN) return Error{ETIMEDOUT, "connect", endpoint.text()};
    if (errno != EINPROGRESS) return failure("connect", endpoint);
    std::array<pollfd, 1> fds{{{fd.get(), POLLOUT, 0}}};
    if (wait_for(fds, deadline, false) == Waited::kTimeout) {
      return Error{ETIMEDOUT, "connect", endpoint.text()};
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return Error{error, "connect", endpoint.text()};
    return fd;
  };
  if (endpoint.is_unix) {
    auto address = unix_address(endpoint.path);
    return finish(AF_UNIX, &address.any, sizeof address.un);
  }
  auto addresses = resolve(endpoint, 0);
  if (!addresses) return addresses.error();
  Error last{EADDRNOTAVAIL, "connect", endpoint.text()};
  for (auto* at = addresses.value().get(); at != nullptr; at = at->ai_next) {
    auto fd = finish(at->ai_family, at->ai_addr, at->ai_addrlen);
    if (fd) return fd;
    last = fd.error();
  }
  return last;
}

}  // namespace handoff::sys
