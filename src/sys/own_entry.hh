// A file of ours (a unix socket, the pid file) in a directory that may belong to another user. The
// directory is opened once; everything else is done relative to that descriptor and without
// following links, so that whoever owns the directory cannot redirect what root does.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

class OwnEntry {
 public:
  // Opens the directory of `path`. Follows symbolic links only in directories that nobody but root
  // and this process's user can change; ELOOP for others. If `make_parent`, creates the last
  // directory (mode 0755) if it is missing.
  static Result<OwnEntry> locate(const std::string& path, bool make_parent = false);

  const Fd& directory() const { return directory_; }
  const std::string& name() const { return name_; }
  // Returns whether only root and this process's user can change the entries of the directory and
  // where its path leads, so that the path can be used again. False if the path contains a link.
  bool is_private() const;
  // Remembers which file the name refers to now; remove() then removes only that one.
  void remember();
  void remove() const;

 private:
  Fd directory_;
  std::string name_;
  bool path_is_private_ = true;  // except the directory itself
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A new directory that only this process's user can enter, in a directory that another user can
// change. The other user can rename it, but cannot access the entries that are created in it.
class PrivateDirectory {
 public:
  static Result<PrivateDirectory> make(const Fd& parent, std::string name);
  const Fd& descriptor() const { return made_; }
  PrivateDirectory(PrivateDirectory&&) = default;
  // Removes the directory, which has to be empty.
  ~PrivateDirectory();

 private:
  PrivateDirectory(Fd parent, std::string name)
      : parent_(std::move(parent)), name_(std::move(name)) {}
  Fd parent_;
  std::string name_;
  Fd made_;
};

}  // namespace handoff::sys
