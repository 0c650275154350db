#include "sys/activation.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.hh"
#include "sys/sockets.hh"

namespace handoff::sys {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

bool same_socket(const struct stat& socket, int fd) {
  struct stat other;
  return ::fstat(fd, &other) == 0 && other.st_dev == socket.st_dev && other.st_ino == socket.st_ino;
}

}  // namespace

Fd take_over(int fd) {
  if (fd < 0 || ::fcntl(fd, F_GETFD) < 0) return Fd();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Fd(fd);
}

void keep_over_exec(const Fd& fd, bool keep) {
  if (fd) ::fcntl(fd.get(), F_SETFD, keep ? 0 : FD_CLOEXEC);
}

std::string take_variable(const char* name) {
  const char* value = ::getenv(name);
  std::string out = value == nullptr ? "" : value;
  ::unsetenv(name);
  return out;
}

Result<std::vector<GivenSocket>> activated_sockets() {
  auto pid = parse_number(take_variable("LISTEN_PID"));
  auto count = parse_number(take_variable("LISTEN_FDS"));
  take_variable("LISTEN_FDNAMES");
  std::vector<GivenSocket> out;
  if (!pid || !count || *pid != static_cast<std::uint64_t>(::getpid())) return out;
  for (int i = 0; i < static_cast<int>(*count); ++i) {
    Fd fd = take_over(kFirst + i);
    auto endpoint = fd ? listening_at(fd.get()) : std::nullopt;
    if (!endpoint) return Error{EINVAL, "LISTEN_FDS names no listening stream socket", {}};
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    out.push_back({*endpoint, std::move(fd)});
  }
  return out;
}

Result<std::vector<GivenSocket>> inetd_socket() {
  std::vector<GivenSocket> out;
  struct stat socket;
  if (::fstat(STDIN_FILENO, &socket) != 0 || !S_ISSOCK(socket.st_mode)) return out;
  auto endpoint = listening_at(STDIN_FILENO);
  if (!endpoint) return out;
  Fd fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kFirst));
  if (!fd) return Error{errno, "dup", "standard input"};
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return Error{errno, "open", "/dev/null"};
  for (int standard : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
    if (same_socket(socket, standard)) ::dup2(null.get(), standard);
  }
  out.push_back({*endpoint, std::move(fd)});
  return out;
}

std::string program_path(const std::string& argv0) {
  auto absolute = [](const std::string& path) {
    if (path.starts_with('/')) return path;
    char* here = ::getcwd(nullptr, 0);
    std::string out = here == nullptr ? path : std::string(here) + "/" + path;
    std::free(here);
    return out;
  };
  if (argv0.find('/') != argv0.npos) return absolute(argv0);
  const char* path = ::getenv("PATH");
  for (auto folder : split(path == nullptr ? "" : path, ':')) {
    auto candidate = absolute((folder.empty() ? "." : std::string(folder)) + "/" + argv0);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absolute(argv0);
}

Error exec_program(const std::vector<std::string>& command, const std::string& variable,
                   const std::string& value) {
  ::setenv(variable.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  ::execv(arguments.front(), arguments.data());
  int error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::unsetenv(variable.c_str());
  return Error{error, "exec", command.front()};
}

}  // namespace handoff::sys
