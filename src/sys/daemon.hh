// Turns a process into a daemon: it leaves the terminal and writes a pid file.
#pragma once

#include <string>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/own_entry.hh"

namespace handoff::sys {

// Replaces the standard descriptors with /dev/null, because a program that reads their other end
// waits until every process has closed them.
void close_standard_descriptors();

// Goes into the background. The process that was started waits until the daemon is ready, and then
// exits with its status, so that the caller knows whether handoffd serves.
class Background {
 public:
  // Forks; the caller continues as the daemon, in its own session, in "/".
  static Result<Background> enter();
  // Closes the caller's standard descriptors, where errors go until then. Every process of the
  // daemon must call it.
  void detach() { close_standard_descriptors(); }
  // Detaches, and the waiting process exits with 0.
  void ready();
  // If destroyed before ready(), the waiting process exits with the daemon's own exit status.

 private:
  explicit Background(Fd report) : report_(std::move(report)) {}
  Fd report_;
};

// A pid file, locked for as long as the daemon lives.
class PidFile {
 public:
  // EWOULDBLOCK if another process holds it; EPERM if it is not a regular file of ours.
  static Result<PidFile> create(const std::string& path);
  // Returns the file that an earlier program image of this process left open and locked.
  static Result<PidFile> adopt(const std::string& path, Fd file);
  const std::string& path() const { return path_; }
  const Fd& descriptor() const { return file_; }
  PidFile(PidFile&&) = default;
  PidFile& operator=(PidFile&&) = default;
  // Removes the file, in the process that made it.
  ~PidFile();

 private:
  PidFile(std::string path, OwnEntry entry, Fd file);
  std::string path_;
  OwnEntry entry_;
  Fd file_;
  int owner_;  // pid
};

}  // namespace handoff::sys
