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
#include <cstddef>
#include <cstring>
#include <memory>

#include "sys/stream.hh"

namespace handoff::sys {
namespace {

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
  // parse_endpoint has seen to the length.
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
    return Error{code == EAI_SYSTEM ? errno : EADDRNOTAVAIL,
                 std::string("resolve (") + ::gai_strerror(code) + ")", endpoint.text()};
  }
  return AddressList(list, ::freeaddrinfo);
}

// Whether somebody listens on the socket file.
bool is_live(const AnyAddress& address) {
  Fd probe = open_socket(AF_UNIX);
  if (!probe) return true;
  int result = ::connect(probe.get(), &address.any, sizeof address.un);
  // EAGAIN: its backlog is full, so it is very much alive.
  return result == 0 || (errno != ECONNREFUSED && errno != ENOENT);
}

Result<std::vector<Fd>> listen_on_unix(const Endpoint& endpoint, int backlog,
                                       const SocketRights& rights) {
  const auto& path = endpoint.path;
  auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    auto parent = path.substr(0, slash);
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return failure("mkdir", endpoint);
  }
  auto address = unix_address(path);
  Fd fd = open_socket(AF_UNIX);
  if (!fd) return failure("socket", endpoint);

  auto bind_once = [&] {
    // No rights until the right ones are set: there is no moment for anybody to connect too early.
    mode_t before = ::umask(0777);
    int result = ::bind(fd.get(), &address.any, sizeof address.un);
    int error = errno;
    ::umask(before);
    errno = error;
    return result == 0;
  };
  bool bound = bind_once();
  if (!bound && errno == EADDRINUSE) {
    struct stat status;
    bool socket = ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
    if (!socket || is_live(address)) {
      errno = EADDRINUSE;
      return failure("bind", endpoint);
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure("unlink", endpoint);
    bound = bind_once();
  }
  if (!bound) return failure("bind", endpoint);
  if (rights.owner || rights.group) {
    uid_t owner = rights.owner.value_or(static_cast<uid_t>(-1));
    gid_t group = rights.group.value_or(static_cast<gid_t>(-1));
    if (::chown(path.c_str(), owner, group) != 0) return failure("chown", endpoint);
  }
  if (::listen(fd.get(), backlog) != 0) return failure("listen", endpoint);
  if (::chmod(path.c_str(), rights.mode) != 0) return failure("chmod", endpoint);
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
      // "localhost" is ::1 too where the system has no such address.
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

Peer describe(const AnyAddress& address, int fd) {
  Peer peer;
  peer.text = "local";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.v4.sin_addr, text.data(), text.size());
    peer.ip = parse_ip(text.data());
    peer.text = std::string("[") + text.data() + "]";
  } else if (address.any.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text.data(), text.size());
    peer.ip = parse_ip(text.data());
    peer.text = std::string("[IPv6:") + text.data() + "]";
  } else if (address.any.sa_family == AF_UNIX) {
#if defined(HAVE_GETPEEREID)  // OpenBSD has both, and another struct for the other
    uid_t uid;
    gid_t gid;
    if (::getpeereid(fd, &uid, &gid) == 0) peer.uid = uid;
#elif defined(HAVE_SO_PEERCRED)
    struct ucred credentials {};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
      peer.uid = credentials.uid;
    }
#endif
  }
  return peer;
}

}  // namespace

Result<std::vector<Fd>> listen_on(const Endpoint& endpoint, int backlog,
                                  const SocketRights& rights) {
  return endpoint.is_unix ? listen_on_unix(endpoint, backlog, rights)
                          : listen_on_tcp(endpoint, backlog);
}

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status;
  if (::lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void SocketFile::remove() const {
  struct stat status;
  bool ours =
      ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
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
    // Another worker was faster, or the client has gone again (accept(2), "Error handling").
    static constexpr int kNobody[] = {EAGAIN, EWOULDBLOCK, EINTR,       ECONNABORTED,
                                      EPROTO, ENETDOWN,    ENETUNREACH, EHOSTUNREACH};
    if (std::ranges::find(kNobody, errno) != std::end(kNobody)) return std::optional<Connection>();
    return Error{errno, "accept", {}};
  }
  // A unix client has no name: accept leaves the family alone there.
  if (size < sizeof(sa_family_t)) address.any.sa_family = AF_UNIX;
  if (address.any.sa_family != AF_UNIX) {
    int on = 1;  // replies are written whole: waiting for more only delays them
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  Peer peer = describe(address, fd.get());
  return std::optional<Connection>(Connection{std::move(fd), std::move(peer)});
}

Peer peer_of(int fd) {
  AnyAddress address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, &address.any, &size) != 0) address.any.sa_family = AF_UNSPEC;
  return describe(address, fd);
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
  if (address.any.sa_family == AF_INET) return ntohs(address.v4.sin_port);
  if (address.any.sa_family == AF_INET6) return ntohs(address.v6.sin6_port);
  return std::nullopt;
}

Result<std::pair<Fd, Fd>> connected_pair() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) {
    return Error{errno, "socketpair", {}};
  }
  std::pair<Fd, Fd> out{Fd(ends[0]), Fd(ends[1])};
  if (!set_flags(ends[0]) || !set_flags(ends[1])) return Error{errno, "socketpair", {}};
  return out;
}

Result<Fd> connect_to(const Endpoint& endpoint, Steady::time_point deadline) {
  auto finish = [&](int family, const sockaddr* address, socklen_t size) -> Result<Fd> {
    Fd fd = open_socket(family);
    if (!fd) return failure("socket", endpoint);
    if (::connect(fd.get(), address, size) == 0) return fd;
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
