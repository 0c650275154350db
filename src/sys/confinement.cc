#include "sys/confinement.hh"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <initializer_list>
#include <vector>

#include "sys/sockets.hh"

#if defined(__linux__)
#include <sys/prctl.h>
#elif defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

namespace handoff::sys {
namespace {

void close_range_of(int first, int last) {
  if (first > last) return;
#ifdef HAVE_CLOSE_RANGE
  if (::close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0) == 0) return;
#endif
  long most = std::min<long>(std::min<long>(::sysconf(_SC_OPEN_MAX), 65536L), last);
  for (int fd = first; fd <= most; ++fd) ::close(fd);
}

void limit(int what, std::uint64_t to) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return;
  auto value = static_cast<rlim_t>(to);
  if (now.rlim_max != RLIM_INFINITY) value = std::min(value, now.rlim_max);
  rlimit wanted{value, value};
  ::setrlimit(what, &wanted);
}

}  // namespace

void close_inherited(int first_unannounced) {
  close_range_of(std::max(first_unannounced, STDERR_FILENO + 1), 0x7fffffff);
}

void keep_only(std::span<const Fd* const> descriptors) {
  ::closelog();
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  bool connection = is_same_socket(STDIN_FILENO, STDERR_FILENO);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  if (connection) ::dup2(null, STDERR_FILENO);
  std::vector<int> kept;
  for (const auto* fd : descriptors) kept.push_back(fd->get());
  std::ranges::sort(kept);
  int next = STDERR_FILENO + 1;
  for (int fd : kept) {
    close_range_of(next, fd - 1);
    next = std::max(next, fd + 1);
  }
  close_range_of(next, 0x7fffffff);
}

void ignore_group_signals() {
  struct sigaction how {};
  ::sigemptyset(&how.sa_mask);
  how.sa_handler = SIG_IGN;
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) {
    ::sigaction(signal, &how, nullptr);
  }
  how.sa_handler = SIG_DFL;
  for (int signal : {SIGCHLD, SIGALRM}) ::sigaction(signal, &how, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void hide_memory() {
  limit(RLIMIT_CORE, 0);
#if defined(SANITIZERS)
  // LeakSanitizer traces its own process.
#elif defined(__linux__)
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#elif defined(__FreeBSD__)
  int untraceable = PROC_TRACE_CTL_DISABLE;
  ::procctl(P_PID, 0, PROC_TRACE_CTL, &untraceable);
#endif
}

void limit_resources(std::uint64_t file_size, std::uint64_t descriptors) {
  limit(RLIMIT_FSIZE, file_size);
  limit(RLIMIT_NOFILE, descriptors);
}

Status become_owner(uid_t uid, gid_t gid) {
  if (uid == 0 || gid == 0) return Error{EPERM, "become root", {}};
  auto who = std::to_string(uid) + ":" + std::to_string(gid);
  if (::setgroups(1, &gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0) {
    return Error{errno, "become user", who};
  }
  bool back = ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 || ::setegid(0) == 0;
  if (back || ::getuid() != uid || ::geteuid() != uid || ::getgid() != gid || ::getegid() != gid) {
    return Error{EPERM, "drop root for user", who};
  }
  hide_memory();
  ::umask(077);
  return {};
}

}  // namespace handoff::sys
