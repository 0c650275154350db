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

bool is_ours(const struct stat& status) {
  return status.st_uid == 0 || status.st_uid == ::geteuid();
}

bool only_we_change(const Fd& directory) {
  struct stat status;
  return ::fstat(directory.get(), &status) == 0 && is_ours(status) && (status.st_mode & 022) == 0;
}

// Returns whether nobody else can replace `next`, which is an entry of `at`. In a sticky directory,
// such as /tmp, others cannot rename an entry that is not theirs.
bool only_we_replace(const Fd& at, const Fd& next) {
  if (only_we_change(at)) return true;
  struct stat above;
  struct stat entry;
  return ::fstat(at.get(), &above) == 0 && ::fstat(next.get(), &entry) == 0 && is_ours(above) &&
         (above.st_mode & S_ISVTX) != 0 && is_ours(entry);
}

// Sets `linked` if `name` is a link that was followed.
Fd enter(const Fd& at, const std::string& name, bool& linked) {
  Fd next(::openat(at.get(), name.c_str(), kEnter | O_NOFOLLOW));
  if (next || (errno != ELOOP && errno != ENOTDIR && errno != EMLINK)) return next;
  int error = errno;
  struct stat status;
  bool link = ::fstatat(at.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISLNK(status.st_mode);
  if (link && only_we_change(at)) {
    linked = true;
    return Fd(::openat(at.get(), name.c_str(), kEnter));
  }
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
    bool linked = false;
    auto next = enter(entry.directory_, part, linked);
    if (!next && errno == ENOENT && make_parent && i + 1 == parts.size()) {
      if (::mkdirat(entry.directory_.get(), part.c_str(), 0755) != 0 && errno != EEXIST) {
        return Error{errno, "mkdir", path};
      }
      next = enter(entry.directory_, part, linked);
    }
    if (linked || (next && !only_we_replace(entry.directory_, next)))
      entry.path_is_private_ = false;
    entry.directory_ = std::move(next);
  }
  if (!entry.directory_) return Error{errno, "open directory of", path};
  return entry;
}

bool OwnEntry::is_private() const { return path_is_private_ && only_we_change(directory_); }

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
