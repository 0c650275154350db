// Listening, accepting, connecting: permissions, stale files, and the identity of the peer.
#include "sys/sockets.hh"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "sys/own_entry.hh"
#include "sys/stream.hh"
#include "temporary_directory.hh"

using namespace handoff;
using namespace handoff::sys;
using namespace std::chrono_literals;

namespace {

constexpr int kBacklog = 5;

Endpoint unix_at(const std::string& path) { return *parse_endpoint("unix:" + path); }

Fd listen_at(const std::string& path, const SocketRights& rights = {}) {
  auto fds = listen_on(unix_at(path), kBacklog, rights);
  BOOST_REQUIRE(fds.ok());
  return std::move(fds.value().front());
}

int listen_fault(const Endpoint& endpoint) {
  auto fds = listen_on(endpoint, kBacklog, {});
  return fds ? 0 : fds.error().code;
}

Result<Fd> connect_soon(const Endpoint& endpoint) {
  return connect_to(endpoint, Steady::now() + 10s);
}

Connection accepted(const Fd& listener) {
  std::array<pollfd, 1> fds{{{listener.get(), POLLIN, 0}}};
  BOOST_REQUIRE((wait_for(fds, Steady::now() + 10s, false) == Waited::kReady));
  auto connection = accept_from(listener);
  BOOST_REQUIRE(connection.ok());
  BOOST_REQUIRE(connection.value().has_value());
  return std::move(*connection.value());
}

// Returns a port that was free just before.
std::uint16_t free_port() {
  Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool inherited_by_exec(const Fd& fd) { return (::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) == 0; }
bool blocks(const Fd& fd) { return (::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_sockets)

BOOST_AUTO_TEST_CASE(a_unix_client_is_local_and_its_user_is_known) {
  TemporaryDirectory place;
  auto listener = listen_at(place.path("s"));
  auto none = accept_from(listener);
  BOOST_REQUIRE(none.ok());
  BOOST_TEST(!none.value().has_value());
  auto client = connect_soon(unix_at(place.path("s")));
  BOOST_REQUIRE(client.ok());
  auto connection = accepted(listener);
  BOOST_TEST(connection.peer.text == "local");
  BOOST_TEST(!connection.peer.ip.has_value());
  for (const Fd* fd : {&listener, &client.value(), &connection.socket}) {
    BOOST_TEST(!inherited_by_exec(*fd));
    BOOST_TEST(blocks(*fd) == (fd == &connection.socket));
  }
  BOOST_TEST(!local_port(connection.socket.get()).has_value());
}

BOOST_AUTO_TEST_CASE(a_socket_file_has_the_rights_that_were_asked_for_whatever_the_umask) {
  TemporaryDirectory place;
  mode_t before = ::umask(0077);
  for (mode_t mode : {mode_t{0660}, mode_t{0666}, mode_t{0600}, mode_t{0777}}) {
    auto path = place.path("s" + std::to_string(mode));
    SocketRights rights;
    rights.mode = mode;
    auto listener = listen_at(path, rights);
    struct stat status;
    BOOST_REQUIRE(::lstat(path.c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 07777) == mode);
  }
  BOOST_TEST(::umask(before) == mode_t{0077});  // and the umask is unchanged
}

BOOST_AUTO_TEST_CASE(a_socket_file_belongs_to_the_requested_owner) {
  if (::geteuid() != 0) return;  // only root can change the owner of files
  TemporaryDirectory place;
  SocketRights rights;
  rights.owner = 12345;
  rights.group = 23456;
  auto listener = listen_at(place.path("s"), rights);
  struct stat status;
  BOOST_REQUIRE(::lstat(place.path("s").c_str(), &status) == 0);
  BOOST_TEST(status.st_uid == 12345u);
  BOOST_TEST(status.st_gid == 23456u);
}

BOOST_AUTO_TEST_CASE(the_directory_of_a_socket_file_is_created) {
  TemporaryDirectory place;
  auto listener = listen_at(place.path("run/s"));
  BOOST_TEST(place.has("run/s"));
  BOOST_TEST(listen_fault(unix_at(place.path("no/such/s"))) == ENOENT);
}

BOOST_AUTO_TEST_CASE(a_stale_socket_file_is_replaced) {
  TemporaryDirectory place;
  listen_at(place.path("s")).reset();  // as after kill -9: the file stays
  BOOST_TEST(place.has("s"));
  auto listener = listen_at(place.path("s"));
  BOOST_TEST(connect_soon(unix_at(place.path("s"))).ok());
}

BOOST_AUTO_TEST_CASE(a_live_socket_is_not_taken_over) {
  TemporaryDirectory place;
  auto listener = listen_at(place.path("s"));
  BOOST_TEST(listen_fault(unix_at(place.path("s"))) == EADDRINUSE);
  BOOST_TEST(connect_soon(unix_at(place.path("s"))).ok());
}

BOOST_AUTO_TEST_CASE(a_live_socket_with_a_full_backlog_is_not_taken_over) {
  TemporaryDirectory place;
  auto listener = listen_on(unix_at(place.path("s")), 1, {});
  BOOST_REQUIRE(listener.ok());
  std::vector<Fd> clients;
  for (int i = 0; i < 10; ++i) {
    auto client = connect_to(unix_at(place.path("s")), Steady::now());
    if (!client) break;
    clients.push_back(std::move(client).value());
  }
  BOOST_TEST(listen_fault(unix_at(place.path("s"))) == EADDRINUSE);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_a_socket_is_never_replaced) {
  TemporaryDirectory place;
  place.write("file", "precious");
  place.link("file", "link");
  BOOST_TEST(listen_fault(unix_at(place.path("file"))) == EADDRINUSE);
  BOOST_TEST(listen_fault(unix_at(place.path("link"))) == EADDRINUSE);
  BOOST_TEST(place.read("file") == "precious");
}

BOOST_AUTO_TEST_CASE(a_socket_file_is_removed_only_by_its_creator) {
  TemporaryDirectory place;
  auto listener = listen_at(place.path("s"));
  SocketFile file(place.path("s"));
  // Kept under another name, so that its inode is not reused immediately.
  std::filesystem::rename(place.path("s"), place.path("old"));
  auto other = listen_at(place.path("s"));
  file.remove();
  BOOST_TEST(place.has("s"));
  SocketFile(place.path("s")).remove();
  BOOST_TEST(!place.has("s"));
}

BOOST_AUTO_TEST_CASE(a_tcp_client_is_known_by_its_address) {
  Endpoint endpoint{false, {}, "127.0.0.1", free_port()};
  auto listener = listen_on(endpoint, kBacklog, {});
  BOOST_REQUIRE(listener.ok());
  auto client = connect_soon(endpoint);
  BOOST_REQUIRE(client.ok());
  auto connection = accepted(listener.value().front());
  BOOST_TEST(connection.peer.text == "[127.0.0.1]");
  BOOST_TEST((connection.peer.ip == parse_ip("127.0.0.1")));
  BOOST_TEST((local_port(connection.socket.get()) == endpoint.port));  // L8
  BOOST_TEST(peer_of(connection.socket.get()).text == "[127.0.0.1]");
}

BOOST_AUTO_TEST_CASE(a_tcp_client_over_ipv6_is_known_by_its_address) {
  Endpoint endpoint{false, {}, "::1", free_port()};
  auto listener = listen_on(endpoint, kBacklog, {});
  if (!listener) return;  // a system without IPv6
  auto client = connect_soon(endpoint);
  BOOST_REQUIRE(client.ok());
  BOOST_TEST(accepted(listener.value().front()).peer.text == "[IPv6:::1]");
}

BOOST_AUTO_TEST_CASE(a_tcp_port_in_use_is_EADDRINUSE) {
  Endpoint endpoint{false, {}, "127.0.0.1", free_port()};
  auto listener = listen_on(endpoint, kBacklog, {});
  BOOST_REQUIRE(listener.ok());
  BOOST_TEST(listen_fault(endpoint) == EADDRINUSE);
}

BOOST_AUTO_TEST_CASE(without_a_listener_connect_is_ECONNREFUSED_and_without_a_file_ENOENT) {
  TemporaryDirectory place;
  listen_at(place.path("s")).reset();
  BOOST_TEST(connect_soon(unix_at(place.path("s"))).error().code == ECONNREFUSED);
  BOOST_TEST(connect_soon(unix_at(place.path("none"))).error().code == ENOENT);
  BOOST_TEST(connect_soon({false, {}, "127.0.0.1", free_port()}).error().code == ECONNREFUSED);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_not_a_socket_is_a_local_peer_without_a_port) {
  std::array<int, 2> ends;
  BOOST_REQUIRE(::pipe(ends.data()) == 0);
  Fd read(ends[0]);
  Fd write(ends[1]);
  BOOST_TEST(peer_of(read.get()).text == "local");
  BOOST_TEST(!peer_of(read.get()).ip.has_value());
  BOOST_TEST(!local_port(read.get()).has_value());
}

// Otherwise the path could lead elsewhere when the socket is bound.
BOOST_AUTO_TEST_CASE(a_path_is_private_if_nobody_else_can_change_any_directory_of_it) {
  TemporaryDirectory place;
  place.make("above/own");
  auto is_private = [&](const std::string& name) {
    return OwnEntry::locate(place.path(name)).value().is_private();
  };
  BOOST_TEST(is_private("above/own/s"));
  place.link("above/own", "link");
  BOOST_TEST(!is_private("link/s"));
  ::chmod(place.path("above").c_str(), 0777);
  BOOST_TEST(!is_private("above/own/s"));
  // In /tmp, for example, nobody can rename a directory of another user.
  ::chmod(place.path("above").c_str(), 01777);
  BOOST_TEST(is_private("above/own/s"));
  BOOST_TEST(!is_private("above/s"));
}

BOOST_AUTO_TEST_SUITE_END()
