#include "sys/process.hh"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#ifdef __linux__
#include <poll.h>
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <random>
#include <thread>

#include "sys/fd.hh"

namespace handoff::sys {
namespace {

// Between two checks whether a child has ended; there is no portable event for that.
constexpr std::chrono::microseconds kLongestPause{20'000};

constexpr int kForkLimit = 10'000;  // milliseconds: for a process that has just been forked

pid_t known_pid = 0;

}  // namespace

pid_t own_pid() {
  // Cached, because every file name and log line contains it; a child must not use the cached id of
  // its parent.
  static const bool watched = ::pthread_atfork(nullptr, nullptr, [] { known_pid = 0; }) == 0;
  if (!watched) return ::getpid();
  if (known_pid == 0) known_pid = ::getpid();
  return known_pid;
}

void set_process_name([[maybe_unused]] const char* name) {
#ifdef __linux__
  ::prctl(PR_SET_NAME, name, 0, 0, 0);
#endif
}

bool is_anothers(const Mailbox& mailbox) {
  return mailbox.owner && mailbox.owner->uid != ::geteuid();
}

void end_unless_called(std::chrono::seconds time) { ::alarm(static_cast<unsigned>(time.count())); }

std::uint64_t descriptor_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return UINT64_MAX;
  return limit.rlim_cur;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "localhost";
  return name.data();
}

// If the system or a security profile forbids this, assume that the process exists.
bool process_exists(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

std::uint32_t random_number() {
#ifdef HAVE_GETENTROPY  // libc++ opens /dev/urandom on Linux, which a sandbox may hide
  std::uint32_t number = 0;
  if (::getentropy(&number, sizeof number) == 0) return number;
#endif
  std::random_device device;
  return device();
}

Result<pid_t> fork_process(const std::function<int()>& main) {
  // No signal may reach the child while it has the parent's handlers, which would write to the
  // parent's event loop.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  pid_t pid = ::fork();
  if (pid == 0) {
    int code = EX_SOFTWARE;
    try {
      code = main();
    } catch (const std::exception&) {
      // The exit code tells the parent.
    }
    ::_exit(code);
  }
  int error = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return Error{error, "fork", {}};
  return pid;
}

#ifdef __linux__
Status adopt_orphans(bool adopt) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, adopt ? 1 : 0, 0, 0, 0) == 0) return {};
  return Error{errno, "adopt orphans", {}};
}

// The process between the two forks ends when the new process is ready to receive the signal of its
// end, so that the new process knows when it has its new parent.
Result<pid_t> fork_for_ancestor(const std::function<int()>& main) {
  auto ready = open_pipe();
  if (!ready) return ready.error();
  auto between = fork_process([&] {
    auto child = fork_process([&] {
      sigset_t end;
      ::sigemptyset(&end);
      ::sigaddset(&end, SIGUSR1);
      ::signal(SIGUSR1, SIG_DFL);
      ::prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
      auto own = ::getpid();
      put(ready.value().write, {reinterpret_cast<const char*>(&own), sizeof own});
      while (::sigwaitinfo(&end, nullptr) < 0 && errno == EINTR) {
      }
      ready.value() = {};
      return main();
    });
    pollfd arrives{ready.value().read.get(), POLLIN, 0};
    return child && ::poll(&arrives, 1, kForkLimit) == 1 ? EX_OK : EX_OSERR;
  });
  if (!between) return between.error();
  wait_for_end(between.value());
  pid_t pid = 0;
  auto octets = take(ready.value().read, sizeof pid);
  if (!octets || octets->size() != sizeof pid) return Error{EAGAIN, "fork", {}};
  std::memcpy(&pid, octets->data(), sizeof pid);
  return pid;
}
#else
Status adopt_orphans(bool) { return Error{ENOSYS, "adopt orphans", {}}; }
Result<pid_t> fork_for_ancestor(const std::function<int()>&) { return Error{ENOSYS, "fork", {}}; }
#endif

std::optional<Ended> next_ended() {
  int status = 0;
  pid_t pid = ::waitpid(-1, &status, WNOHANG);
  if (pid <= 0) return std::nullopt;
  return Ended{pid, status};
}

int wait_for_end(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool ends_by(pid_t pid, std::chrono::steady_clock::time_point deadline) {
  for (auto pause = std::chrono::microseconds(100);; pause = std::min(pause * 2, kLongestPause)) {
    pid_t ended = ::waitpid(pid, nullptr, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

void send_signal(pid_t pid, int signal) { ::kill(pid, signal); }

}  // namespace handoff::sys
