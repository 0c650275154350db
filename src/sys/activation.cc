#include "sys/activation.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/text.hh"
#include "sys/secrets.hh"
#include "sys/sockets.hh"

namespace handoff::sys {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

}  // namespace

Fd take_over(int fd) {
  if (fd < 0 || ::fcntl(fd, F_GETFD) < 0) return Fd();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Fd(fd);
}

void keep_over_exec(const Fd& fd, bool keep) {
  if (fd) ::fcntl(fd.get(), F_SETFD, keep ? 0 : FD_CLOEXEC);
}

Fd open_program([[maybe_unused]] const std::string& path) {
#if defined(__linux__) && defined(HAVE_FEXECVE) && defined(HAVE_MEMFD_CREATE)
  Fd program(::open("/proc/self/exe", O_PATH | O_CLOEXEC));
  return program ? std::move(program) : Fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
#else
  return Fd();
#endif
}

Error exec_process([[maybe_unused]] const Fd& program, const std::string& name,
                   [[maybe_unused]] const std::string& variable,
                   [[maybe_unused]] const std::string& value) {
#if defined(__linux__) && defined(HAVE_FEXECVE) && defined(HAVE_MEMFD_CREATE)
  auto added = variable + "=" + value;
  std::vector<char*> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    if (!is_of_database(*each)) variables.push_back(*each);
  }
  variables.push_back(added.data());
  variables.push_back(nullptr);
  auto own_name = name;
  std::array<char*, 2> arguments{own_name.data(), nullptr};
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::fexecve(program.get(), arguments.data(), variables.data());
  return Error{errno, "exec", name};
#else
  return Error{ENOTSUP, "exec", name};
#endif
}

std::string take_variable(const char* name) {
  const char* value = ::getenv(name);
  std::string out = value == nullptr ? "" : value;
  ::unsetenv(name);
  return out;
}

int after_announced_descriptors() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  auto for_whom = parse_number(pid == nullptr ? "" : pid);
  auto number = parse_number(count == nullptr ? "" : count);
  bool ours = for_whom == static_cast<std::uint64_t>(::getpid()) && number && *number < 65536;
  return ours ? kFirst + static_cast<int>(*number) : kFirst;
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
    if (!endpoint) {
      return explained(EINVAL, "LISTEN_FDS has a descriptor that is not a listening stream socket");
    }
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    out.push_back({*endpoint, std::move(fd)});
  }
  return out;
}

Result<std::vector<GivenSocket>> inetd_socket() {
  std::vector<GivenSocket> out;
  auto endpoint = listening_at(STDIN_FILENO);
  if (!endpoint) return out;
  Fd fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, kFirst));
  if (!fd) return Error{errno, "dup", "standard input"};
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return Error{errno, "open", "/dev/null"};
  for (int standard : {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO}) {
    if (is_same_socket(fd.get(), standard)) ::dup2(null.get(), standard);
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
