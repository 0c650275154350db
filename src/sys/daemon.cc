#include "sys/daemon.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>

#include "sys/process.hh"

namespace handoff::sys {

void close_standard_descriptors() {
  int null = ::open("/dev/null", O_RDWR);
  if (null >= 0) {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    if (null > STDERR_FILENO) ::close(null);
  }
}

Result<Background> Background::enter() {
  auto pipe = open_pipe();
  if (!pipe) return pipe.error();
  auto& [waiting, report] = pipe.value();
  ::fcntl(waiting.get(), F_SETFL, 0);  // blocks
  pid_t child = ::fork();
  if (child < 0) return Error{errno, "fork", {}};
  if (child > 0) {
    report.reset();
    char octet;
    ssize_t n;
    do {
      n = ::read(waiting.get(), &octet, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) ::_exit(EX_OK);
    int status = wait_for_end(child);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
  }
  ::setsid();
  if (::chdir("/") != 0) return Error{errno, "chdir", "/"};
  return Background(std::move(report));
}

void Background::ready() {
  detach();
  [[maybe_unused]] auto ignored = ::write(report_.get(), "", 1);  // fails if nobody waits any more
  report_.reset();
}

PidFile::PidFile(std::string path, OwnEntry entry, Fd file)
    : path_(std::move(path)), entry_(std::move(entry)), file_(std::move(file)), owner_(::getpid()) {
  entry_.remember();
}

Result<PidFile> PidFile::create(const std::string& path) {
  auto entry = OwnEntry::locate(path);
  if (!entry) return entry.error();
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const char* name = entry.value().name().c_str();
  Fd file(::openat(entry.value().directory().get(), name, kFlags, 0644));
  if (!file) return Error{errno, "create pid file", path};
  // If another user has put a hard link here, writing would overwrite that file.
  struct stat status;
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid() || status.st_nlink != 1) {
    return Error{EPERM, "the pid file is not a file of our own", path};
  }
  // A record lock: unlike a flock(2) lock, it is not shared by workers that outlive a killed
  // master.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
    return explained(EWOULDBLOCK, "another handoffd has locked the pid file", path);
  }
  auto text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error{errno, "write pid file", path};
  }
  return PidFile(path, std::move(entry).value(), std::move(file));
}

Result<PidFile> PidFile::adopt(const std::string& path, Fd file) {
  auto entry = OwnEntry::locate(path);
  if (!entry) return entry.error();
  return PidFile(path, std::move(entry).value(), std::move(file));
}

PidFile::~PidFile() {
  if (file_ && owner_ == ::getpid()) entry_.remove();
}

}  // namespace handoff::sys
