// What makes a process a daemon: leaving the terminal, and the pid file.
#pragma once

#include <string>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// The standard descriptors become /dev/null: whoever reads what they were waits for the end of each
// process that has them.
void let_go_of_standard_descriptors();

// Goes into the background. The process that was started stays until the daemon says that it is
// ready, and exits with its status: whoever starts handoffd knows whether it serves.
class Background {
 public:
  // Forks; the caller goes on as the daemon, in its own session, in "/".
  static Result<Background> enter();
  // Lets go of the starter's standard descriptors, as each process of the daemon has to; until then
  // faults are said there.
  void detach() { let_go_of_standard_descriptors(); }
  // The waiting process exits with 0. Detaches.
  void ready();
  // Destroyed before ready(): the waiting process exits with the daemon's own exit status.

 private:
  explicit Background(Fd report) : report_(std::move(report)) {}
  Fd report_;
};

// A pid file that is locked as long as the daemon lives.
class PidFile {
 public:
  // EWOULDBLOCK where another process holds it.
  static Result<PidFile> create(const std::string& path);
  // One that a former program image of this process left open and locked.
  static PidFile adopt(std::string path, Fd file) { return {std::move(path), std::move(file)}; }
  const std::string& path() const { return path_; }
  const Fd& descriptor() const { return file_; }
  PidFile(PidFile&&) = default;
  PidFile& operator=(PidFile&&) = default;
  // Removes the file, by the process that made it.
  ~PidFile();

 private:
  PidFile(std::string path, Fd file);
  std::string path_;
  Fd file_;
  int owner_;  // pid
};

}  // namespace handoff::sys
