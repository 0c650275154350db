#include "sys/daemon.hh"

#include <fcntl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace handoff::sys {

void let_go_of_standard_descriptors() {
  int null = ::open("/dev/null", O_RDWR);
  if (null >= 0) {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    if (null > STDERR_FILENO) ::close(null);
  }
}

Result<Background> Background::enter() {
  std::array<int, 2> ends;
  if (::pipe(ends.data()) != 0) return Error{errno, "pipe", {}};
  Fd hear(ends[0]);
  Fd report(ends[1]);
  ::fcntl(hear.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(report.get(), F_SETFD, FD_CLOEXEC);
  pid_t child = ::fork();
  if (child < 0) return Error{errno, "fork", {}};
  if (child > 0) {
    report.reset();
    char octet;
    ssize_t n;
    do {
      n = ::read(hear.get(), &octet, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) ::_exit(EX_OK);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
  }
  ::setsid();
  if (::chdir("/") != 0) return Error{errno, "chdir", "/"};
  return Background(std::move(report));
}

void Background::ready() {
  detach();
  [[maybe_unused]] auto ignored = ::write(report_.get(), "", 1);  // gone: nobody waits any more
  report_.reset();
}

PidFile::PidFile(std::string path, Fd file)
    : path_(std::move(path)), file_(std::move(file)), owner_(::getpid()) {}

Result<PidFile> PidFile::create(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return Error{errno, "create pid file", path};
  // A record lock: unlike flock's it is not shared with workers that outlive a killed master.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_SETLK, &lock) != 0) {
    return Error{EWOULDBLOCK, "another handoffd holds the pid file", path};
  }
  auto text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error{errno, "write pid file", path};
  }
  return PidFile(path, std::move(file));
}

PidFile::~PidFile() {
  if (file_ && owner_ == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace handoff::sys
