// inetd: starts a program for each connection with the connection as standard input and output,
// like inetd's nowait, for servers without a daemon (mail.local -l, handoffd --stdin).
//
//     inetd unix:PATH PROGRAM [ARGUMENT...]
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "base/endpoint.hh"
#include "sys/sockets.hh"

extern char** environ;

namespace handoff::bench {
namespace {

constexpr int kBacklog = 1024;
constexpr int kReapEvery = 100;  // milliseconds

bool start(const sys::Fd& socket, char** command) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd : {STDIN_FILENO, STDOUT_FILENO}) {
    posix_spawn_file_actions_adddup2(&actions, socket.get(), fd);
  }
  pid_t child = 0;
  int error = ::posix_spawnp(&child, command[0], &actions, nullptr, command, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) std::fprintf(stderr, "inetd: %s: %s\n", command[0], std::strerror(error));
  return error == 0;
}

// These programs expect a blocking connection.
void make_blocking(const sys::Fd& socket) {
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
}

int run(const Endpoint& endpoint, char** command) {
  auto listeners = sys::listen_on(endpoint, kBacklog, {0666, {}, {}});
  if (!listeners) {
    std::fprintf(stderr, "inetd: %s\n", listeners.error().describe().c_str());
    return EX_OSERR;
  }
  std::fprintf(stderr, "inetd: ready\n");
  auto& listener = listeners.value().front();
  for (;;) {
    // Children are reaped so that their processor time is added to that of this process.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    pollfd fds{listener.get(), POLLIN, 0};
    ::poll(&fds, 1, kReapEvery);
    auto connection = sys::accept_from(listener);
    if (!connection || !connection.value()) continue;
    make_blocking(connection.value()->socket);
    if (!start(connection.value()->socket, command)) return EX_OSERR;
  }
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) {
  auto endpoint = argc > 2 ? handoff::parse_endpoint(argv[1]) : std::nullopt;
  if (!endpoint) {
    std::fputs("usage: inetd unix:PATH|tcp:HOST:PORT PROGRAM [ARGUMENT...]\n", stderr);
    return EX_USAGE;
  }
  return handoff::bench::run(*endpoint, argv + 2);
}
