#include "sys/own_entry.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hh"

namespace handoff::sys {
namespace {

// A directory that is only passed through need not be readable.
#if defined(O_SEARCH)
constexpr int kEnter = O_SEARCH | O_DIRECTORY | O_CLOEXEC;
#elif defined(O_PATH)
constexpr int kEnter = O_PATH | O_DIRECTORY | O_CLOEXEC;
#else
constexpr int kEnter = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
#endif

bool only_we_change(const Fd& directory) {
  struct stat status;
  return ::fstat(directory.get(), &status) == 0 &&
         (status.st_uid == 0 || status.st_uid == ::geteuid()) && (status.st_mode & 022) == 0;
}

Fd enter(const Fd& at, const std::string& name) {
  Fd next(::openat(at.get(), name.c_str(), kEnter | O_NOFOLLOW));
  if (next || (errno != ELOOP && errno != ENOTDIR && errno != EMLINK)) return next;
  int error = errno;
  struct stat status;
  bool link = ::fstatat(at.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISLNK(status.st_mode);
  if (link && only_we_change(at)) return Fd(::openat(at.get(), name.c_str(), kEnter));
  errno = link ? ELOOP : error;
  return {};
}

}  // namespace

Result<OwnEntry> OwnEntry::locate(const std::string& path, bool make_parent) {
  OwnEntry entry;
  entry.directory_ = Fd(::open(path.starts_with('/') ? "/" : ".", kEnter));
  auto parts = split(path, '/');
  entry.name_ = parts.back();
  parts.pop_back();
  for (std::size_t i = 0; entry.directory_ && i < parts.size(); ++i) {
    std::string part(parts[i]);
    if (part.empty() || part == ".") continue;
    auto next = enter(entry.directory_, part);
    if (!next && errno == ENOENT && make_parent && i + 1 == parts.size()) {
      if (::mkdirat(entry.directory_.get(), part.c_str(), 0755) != 0 && errno != EEXIST) {
        return Error{errno, "mkdir", path};
      }
      next = enter(entry.directory_, part);
    }
    entry.directory_ = std::move(next);
  }
  if (!entry.directory_) return Error{errno, "open directory of", path};
  return entry;
}

bool OwnEntry::is_private() const { return only_we_change(directory_); }

void OwnEntry::remember() {
  struct stat status;
  if (::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void OwnEntry::remove() const {
  struct stat status;
  bool same = ::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
              status.st_dev == device_ && status.st_ino == inode_;
  if (same) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

Result<PrivateDirectory> PrivateDirectory::make(const Fd& parent, std::string name) {
  PrivateDirectory out(duplicate(parent), name);
  if (!out.parent_) return Error{errno, "dup", {}};
  if (::mkdirat(out.parent_.get(), name.c_str(), 0700) != 0) return Error{errno, "mkdir", name};
  out.made_ = Fd(::openat(out.parent_.get(), name.c_str(), kEnter | O_NOFOLLOW));
  struct stat status;
  if (!out.made_ || ::fstat(out.made_.get(), &status) != 0) return Error{errno, "open", name};
  // The owner of the parent may have put another directory in its place.
  if (status.st_uid != ::geteuid() || (status.st_mode & 07777) != 0700) {
    return Error{EPERM, "another directory has taken the place of", name};
  }
  return out;
}

PrivateDirectory::~PrivateDirectory() {
  if (made_) ::unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR);
}

}  // namespace handoff::sys
