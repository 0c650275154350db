#include "sys/host_claim.hh"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>

#include "sys/clock.hh"
#include "sys/process.hh"

namespace handoff::sys {
namespace {

// Two processes of one host that find the file empty hinder each other for a moment. Another host
// keeps its lock for longer.
constexpr std::chrono::seconds kLockPatience{1};
constexpr std::chrono::milliseconds kLockPause{5};

bool lock(const Fd& file, int kind) {
  int done;
  do {
    done = ::flock(file.get(), kind | LOCK_NB);
  } while (done != 0 && errno == EINTR);
  return done == 0;
}

std::optional<Host> host_in(const Fd& file) {
  std::array<char, 1024> text;
  auto n = ::pread(file.get(), text.data(), text.size(), 0);
  if (n <= 0) return std::nullopt;
  std::string_view line(text.data(), static_cast<std::size_t>(n));
  return Host::parse(line.substr(0, line.find('\n')));
}

// If the disk is full, the file is left empty; the host is then unknown.
void write_host(const Fd& file, const Host& host) {
  auto line = host.text() + "\n";
  bool done = ::ftruncate(file.get(), 0) == 0 &&
              ::pwrite(file.get(), line.data(), line.size(), 0) == std::ssize(line);
  if (!done) static_cast<void>(::ftruncate(file.get(), 0) == 0);
}

}  // namespace

Result<HostClaim> HostClaim::take(const Fd& directory, const std::string& name, const Host& host) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  Fd file(::openat(directory.get(), name.c_str(), kFlags, 0600));
  // A file that another user left behind: no process that delivers now can have locked it.
  struct stat status;
  if (!file && errno == EACCES &&
      ::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      status.st_uid != ::geteuid() && ::unlinkat(directory.get(), name.c_str(), 0) == 0) {
    file = Fd(::openat(directory.get(), name.c_str(), kFlags, 0600));
  }
  if (!file) return HostClaim();
  auto until = Steady::now() + kLockPatience;
  std::optional<Host> holder;
  for (;;) {
    if (lock(file, LOCK_SH)) {
      holder = host_in(file);
      if (holder && holder->is_same(host)) return HostClaim(std::move(file));
      if (lock(file, LOCK_EX)) {
        write_host(file, host);
        // While the lock is converted, another host may take it, so the file is read again.
        bool shared = lock(file, LOCK_SH);
        holder = host_in(file);
        if (shared && (!holder || holder->is_same(host))) return HostClaim(std::move(file));
      }
    } else if (errno != EWOULDBLOCK) {
      return HostClaim();  // a filesystem without such locks
    }
    lock(file, LOCK_UN);
    if (Steady::now() >= until) break;
    std::this_thread::sleep_for(kLockPause + std::chrono::milliseconds(random_number() % 8));
  }
  if (!holder && lock(file, LOCK_SH)) return HostClaim(std::move(file));
  return Error{EBUSY, "lock", holder ? holder->name : std::string()};
}

}  // namespace handoff::sys
