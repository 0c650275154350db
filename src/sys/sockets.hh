// Listening, accepting and connecting, for unix and TCP sockets. All descriptors are close-on-exec
// and, where nothing else is said, non-blocking.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/endpoint.hh"
#include "base/network.hh"
#include "base/result.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// Rights of a unix socket's file.
struct SocketRights {
  mode_t mode = 0660;
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
};

// Binds and listens. A TCP host may have several addresses: one descriptor for each. A socket file
// that nobody listens on any more is replaced; where somebody does: EADDRINUSE. A missing parent
// directory of a socket file is made (mode 0755). May block on name resolution.
Result<std::vector<Fd>> listen_on(const Endpoint& endpoint, int backlog,
                                  const SocketRights& rights);

// The file of a unix socket that this process has bound.
class SocketFile {
 public:
  explicit SocketFile(std::string path);
  // Removes it, unless another socket has taken its place.
  void remove() const;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Who is at the other end.
struct Peer {
  std::optional<IpAddress> ip;  // TCP
  std::optional<uid_t> uid;     // unix sockets, where the system tells
  std::string text;             // "[192.0.2.1]", "[IPv6:2001:db8::1]", or "local"
};

struct Connection {
  Fd socket;
  Peer peer;
};

// The next connection of a listening socket, whose calls block; nothing where there is none (any
// more). Never blocks itself.
Result<std::optional<Connection>> accept_from(const Fd& listener);
// Who is at the other end of a descriptor that was inherited: "local" for what is no socket.
Peer peer_of(int fd);
// Has nobody wait on a listening TCP socket that other processes hold open but accept from no more:
// where the system can do that (Linux), who connects is refused from now on.
void stop_listening(const Fd& listener);

// What a listening stream socket is bound to; nothing where the descriptor is none. A unix socket
// without a path has an empty one.
std::optional<Endpoint> listening_at(int fd);
// The local TCP port of a descriptor; nothing where it is no TCP socket.
std::optional<std::uint16_t> local_port(int fd);
// Whether both descriptors are one and the same socket.
bool is_same_socket(int one, int other);

// Two unix stream sockets, connected to each other.
Result<std::pair<Fd, Fd>> connected_pair();

// Connects, until `deadline`.
Result<Fd> connect_to(const Endpoint& endpoint, Steady::time_point deadline);

}  // namespace handoff::sys
