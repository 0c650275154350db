// Listens, accepts and connects on unix and TCP sockets. All descriptors are close-on-exec and,
// unless noted, non-blocking.
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
#include "sys/own_entry.hh"

namespace handoff::sys {

// Rights of a unix socket's file.
struct SocketRights {
  mode_t mode = 0660;
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
};

// Binds and listens; returns one descriptor for each address of a TCP host. Replaces a socket file
// that no process listens on; EADDRINUSE if one does. Makes a missing parent directory of a socket
// file (mode 0755), which may belong to another user: see OwnEntry. In that case it changes the
// working directory for a moment, so no other thread may use it. May block on name resolution.
Result<std::vector<Fd>> listen_on(const Endpoint& endpoint, int backlog,
                                  const SocketRights& rights);

// The file of a unix socket that this process bound.
class SocketFile {
 public:
  explicit SocketFile(const std::string& path);
  // Removes the file, unless another has replaced it.
  void remove() const;

 private:
  std::optional<OwnEntry> entry_;
};

// The client of a connection.
struct Peer {
  std::optional<IpAddress> ip;  // TCP
  std::string text;             // "[192.0.2.1]", "[IPv6:2001:db8::1]", or "local"
  bool proxy = false;           // a proxy that speaks for itself, as in a health check
  std::uint16_t port = 0;       // TCP
};

struct Connection {
  Fd socket;
  Peer peer;
};

// Returns the next connection of a listening socket, in blocking mode; nothing if none waits. Does
// not block.
Result<std::optional<Connection>> accept_from(const Fd& listener);
// Returns whether a connection waits on one of these listening sockets. Does not block.
bool connection_waits(const std::vector<const Fd*>& listeners);
// Returns the peer of an inherited descriptor; "local" if it is not a socket.
Peer peer_of(int fd);
// Shuts down a listening TCP socket that other processes hold open but no longer accept from. On
// Linux new connections are refused from now on.
void stop_listening(const Fd& listener);

// Returns the address of a listening stream socket; nothing if the descriptor is none. The path of
// an unnamed unix socket is empty.
std::optional<Endpoint> listening_at(int fd);
// Returns the local TCP port of a descriptor; nothing if it is no TCP socket.
std::optional<std::uint16_t> local_port(int fd);
// Returns whether both descriptors refer to the same socket.
bool is_same_socket(int one, int other);

// Ends a connection in both directions, without closing the descriptor.
void hang_up(int fd);

// Returns two connected unix stream sockets.
Result<std::pair<Fd, Fd>> connected_pair();
// Connects; ETIMEDOUT at the deadline.
Result<Fd> connect_to(const Endpoint& endpoint, Steady::time_point deadline);

}  // namespace handoff::sys
