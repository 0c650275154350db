#include "sys/files.hh"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/text.hh"
#include "sys/own_entry.hh"
#include "sys/process.hh"

#ifdef HAVE_STATX
#include <sys/sysmacros.h>
#endif
#ifdef HAVE_OPENAT2
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

namespace handoff::sys {
namespace {

using std::chrono::system_clock;

Error failure(const char* what, const std::string& path = {}) { return Error{errno, what, path}; }

// Calls `call` again as long as a signal interrupts it.
template <class Call>
auto retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Calls `create`, which creates something with this mode. The umask of a server is 077.
template <class Create>
int with_mode(mode_t mode, Create create) {
  if ((mode & 077) == 0) return create();
  mode_t before = ::umask(0);
  int result = create();
  int error = errno;
  ::umask(before);
  errno = error;
  return result;
}

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
// A directory that is only passed through need not be readable (mode 711).
#if defined(O_SEARCH)
constexpr int kPassage = O_SEARCH | O_DIRECTORY | O_CLOEXEC;
#elif defined(O_PATH)
constexpr int kPassage = O_PATH | O_DIRECTORY | O_CLOEXEC;
#else
constexpr int kPassage = kDirectory;
#endif

bool names_one_entry(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
         name.find('\0') == name.npos;
}

// For kernels without openat2: opens one component after the other, none of them a link.
int open_each(int at, const std::string& path) {
  Fd here;
  for (std::string_view part : split(path, '/')) {
    std::string name(part);
    int from = here ? here.get() : at;
    bool last = part.data() + part.size() == path.data() + path.size();
    int how = (last ? kDirectory : kPassage) | O_NOFOLLOW;
    Fd next(retry([&] { return ::openat(from, name.c_str(), how); }));
    if (!next) {
      // O_DIRECTORY with O_NOFOLLOW fails with ENOTDIR for a link; openat2 with ELOOP.
      struct stat status;
      if (errno == ENOTDIR && ::fstatat(from, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
      }
      return -1;
    }
    here = std::move(next);
  }
  return here.release();
}

int open_beneath(int at, const std::string& path) {
  if (!all_parts(path, '/', names_one_entry)) {
    errno = EXDEV;  // as openat2 fails if the path would leave the directory
    return -1;
  }
#ifdef HAVE_OPENAT2
  static bool missing = false;  // an older kernel, or a sandbox that does not know the call
  if (!missing) {
    struct open_how how {};
    how.flags = kDirectory;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    long fd = retry([&] { return ::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how); });
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN)) {
      return static_cast<int>(fd);
    }
    missing = errno != EAGAIN;
  }
#endif
  return open_each(at, path);
}

system_clock::time_point moment(std::int64_t seconds, std::int64_t nanoseconds) {
  return system_clock::from_time_t(static_cast<std::time_t>(seconds)) +
         std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds(nanoseconds));
}

FileInfo from_stat(const struct stat& status) {
  FileInfo info;
  info.is_directory = S_ISDIR(status.st_mode);
  info.is_regular = S_ISREG(status.st_mode);
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.device = status.st_dev;
  info.inode = status.st_ino;
  info.owner = status.st_uid;
  info.group = status.st_gid;
  info.mode = status.st_mode & 07777;
  info.modified = moment(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
#ifdef HAVE_STRUCT_STAT_ST_BIRTHTIM
  // FreeBSD: -1 if the filesystem does not record it.
  if (status.st_birthtim.tv_sec > 0) {
    info.born = system_clock::from_time_t(status.st_birthtim.tv_sec);
  }
#endif
  return info;
}

#ifdef HAVE_STATX
// Returns what stat() reports and the time of birth, in one call.
FileInfo from_statx(const struct statx& status) {
  FileInfo info;
  info.is_directory = S_ISDIR(status.stx_mode);
  info.is_regular = S_ISREG(status.stx_mode);
  info.size = status.stx_size;
  info.device = ::makedev(status.stx_dev_major, status.stx_dev_minor);
  info.inode = status.stx_ino;
  info.owner = status.stx_uid;
  info.group = status.stx_gid;
  info.mode = status.stx_mode & 07777;
  info.modified = moment(status.stx_mtime.tv_sec, status.stx_mtime.tv_nsec);
  if ((status.stx_mask & STATX_BTIME) != 0) {
    info.born = system_clock::from_time_t(status.stx_btime.tv_sec);
  }
  return info;
}
#endif

Result<Fd> open_to_write(const Fd& at, const std::string& name, int flags) {
  if (!names_one_entry(name)) return Error{EXDEV, "open", name};
  flags |= O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Fd fd(retry([&] { return ::openat(at.get(), name.c_str(), flags); }));
  if (!fd) return failure("open", name);
  return fd;
}

// Fails with EEXIST if `to` exists. On systems without renameat2, an empty directory that appears
// at the last moment is replaced.
int rename_to_new(int at, const char* from, int to_at, const char* to) {
#ifdef HAVE_RENAMEAT2
  if (::renameat2(at, from, to_at, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
#endif
  return ::renameat(at, from, to_at, to);
}

}  // namespace

Result<Fd> Files::open_root(const std::string& path) {
  Fd fd(retry([&] { return ::open(path.c_str(), kDirectory); }));
  if (!fd) return failure("open", path);
  return fd;
}

Result<FileInfo> Files::info_of_root(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0) return from_stat(status);
#ifdef ECAPMODE
  if (errno == ECAPMODE) return Error{ENOTSUP, "stat", path};
#endif
  return failure("stat", path);
}

Result<Fd> Files::open_directory(const Fd& at, const std::string& path) {
  Fd fd(open_beneath(at.get(), path));
  if (!fd) return failure("open", path);
  return fd;
}

Status Files::make_directory(const Fd& at, const std::string& name, mode_t mode) {
  if (!names_one_entry(name)) return Error{EXDEV, "mkdir", name};
  if (with_mode(mode, [&] { return ::mkdirat(at.get(), name.c_str(), mode); }) != 0) {
    return failure("mkdir", name);
  }
  return {};
}

Status Files::make_directory_of(const Fd& at, const std::string& name, uid_t uid, gid_t gid,
                                mode_t mode) {
  if (!names_one_entry(name)) return Error{EXDEV, "mkdir", name};
  struct stat there;
  if (::fstatat(at.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
    return Error{EEXIST, "mkdir", name};
  }
  // While root creates a directory in `at` and changes its owner, the owner of `at` could put
  // another user's directory in its place, which root would then give away. Entries of a directory
  // that belongs to root cannot be replaced.
  auto random = std::to_string(own_pid()) + "." + std::to_string(random_number());
  auto inside = PrivateDirectory::make(at, ".new." + random);
  if (!inside) return inside.error();
  int from = inside.value().descriptor().get();
  constexpr const char* kNew = "new";
  if (::mkdirat(from, kNew, 0700) != 0) return failure("mkdir", name);
  auto made = [&]() -> Status {
    Fd directory(retry([&] { return ::openat(from, kNew, kDirectory | O_NOFOLLOW); }));
    if (!directory) return failure("open", name);
    if (::fchmod(directory.get(), mode) != 0) return failure("chmod", name);
    if (::fchown(directory.get(), uid, gid) != 0) return failure("chown", name);
    if (rename_to_new(from, kNew, at.get(), name.c_str()) != 0) return failure("mkdir", name);
    return {};
  }();
  if (!made) ::unlinkat(from, kNew, AT_REMOVEDIR);
  return made;
}

// On the BSDs, and on Linux in a set-group-id directory, a new file already has the group of its
// directory.
Status Files::share(const Fd& file, gid_t group) {
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return failure("stat");
  if (status.st_gid == group) return {};
  if (::fchown(file.get(), static_cast<uid_t>(-1), group) == 0) return {};
  if (::fchmod(file.get(), status.st_mode & 07700) != 0) return failure("chmod");
  return {};
}

Status Files::let_pass(const Fd& directory) {
  struct stat status;
  if (::fstat(directory.get(), &status) != 0) return failure("stat");
  if (::fchmod(directory.get(), (status.st_mode & 07777) | 0111) != 0) return failure("chmod");
  return {};
}

Result<Fd> Files::create(const Fd& at, const std::string& name, mode_t mode) {
  if (!names_one_entry(name)) return Error{EXDEV, "create", name};
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd fd(with_mode(
      mode, [&] { return retry([&] { return ::openat(at.get(), name.c_str(), kFlags, mode); }); }));
  if (!fd) return failure("create", name);
  return fd;
}

Result<Fd> Files::open_file(const Fd& at, const std::string& name) {
  if (!names_one_entry(name)) return Error{EXDEV, "open", name};
  // O_NONBLOCK: a fifo in place of the file must not block us.
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Fd fd(retry([&] { return ::openat(at.get(), name.c_str(), kFlags); }));
  if (!fd) return failure("open", name);
  return fd;
}

Result<Fd> Files::open_followed(const std::string& path) {
  Fd fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
  if (!fd) return failure("open", path);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return failure("stat", path);
  if (!S_ISREG(status.st_mode)) return Error{EINVAL, "open, not a regular file", path};
  return fd;
}

Status Files::write_note(const std::string& path, std::string_view text) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Fd fd(retry([&] { return ::open(path.c_str(), kFlags, 0600); }));
  if (!fd) return failure("open", path);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return failure("stat", path);
  if (!S_ISREG(status.st_mode)) return Error{EINVAL, "open, not a regular file", path};
  if (::ftruncate(fd.get(), 0) != 0) return failure("truncate", path);
  return write(fd, text);
}

Result<Fd> Files::open_to_append(const Fd& at, const std::string& name) {
  return open_to_write(at, name, O_APPEND);
}

Result<Fd> Files::open_to_overwrite(const Fd& at, const std::string& name) {
  return open_to_write(at, name, 0);
}

Status Files::write(const Fd& file, std::string_view octets) {
  while (!octets.empty()) {
    auto n = retry([&] { return ::write(file.get(), octets.data(), octets.size()); });
    if (n < 0) return failure("write");
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Status Files::start_writing(const Fd& file, std::uint64_t offset, std::uint64_t size) {
#ifdef HAVE_SYNC_FILE_RANGE
  auto begin = static_cast<off_t>(offset);
  auto length = static_cast<off_t>(size);
  auto call = [&](off_t from, unsigned flags) {
    return retry([&] { return ::sync_file_range(file.get(), from, length, flags); }) == 0 ||
           errno == ENOSYS || errno == ESPIPE;
  };
  if (!call(begin, SYNC_FILE_RANGE_WRITE)) return failure("sync_file_range");
  // This wait reports an error; the next fdatasync(2) of the same descriptor would not report it
  // again.
  if (begin >= length && !call(begin - length, SYNC_FILE_RANGE_WAIT_BEFORE)) {
    return failure("sync_file_range");
  }
#else
  static_cast<void>(file);
  static_cast<void>(offset);
  static_cast<void>(size);
#endif
  return {};
}

Result<std::size_t> Files::read_at(const Fd& file, std::uint64_t offset, char* buffer,
                                   std::size_t size) {
  auto n = retry([&] { return ::pread(file.get(), buffer, size, static_cast<off_t>(offset)); });
  if (n < 0) return failure("read");
  return static_cast<std::size_t>(n);
}

Status Files::sync_data(const Fd& file) {
#ifdef HAVE_FDATASYNC
  if (retry([&] { return ::fdatasync(file.get()); }) != 0) return failure("fdatasync");
  return {};
#else
  return sync_file(file);
#endif
}

Status Files::sync_file(const Fd& file) {
  if (retry([&] { return ::fsync(file.get()); }) != 0) return failure("fsync");
  return {};
}

Status Files::write_out(const Fd& file) {
#ifdef HAVE_SYNC_FILE_RANGE
  constexpr unsigned kAll =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (retry([&] { return ::sync_file_range(file.get(), 0, 0, kAll); }) != 0) {
    return failure("sync_file_range");
  }
  return {};
#else
  return sync_data(file);
#endif
}

Status Files::sync_directory(const Fd& directory) {
  if (retry([&] { return ::fsync(directory.get()); }) != 0) return failure("fsync directory");
  return {};
}

Status Files::close(Fd file) {
  if (::close(file.release()) != 0 && errno != EINTR) return failure("close");
  return {};
}

Status Files::link(const Fd& at, const std::string& name, const Fd& to,
                   const std::string& new_name) {
  if (!names_one_entry(name) || !names_one_entry(new_name)) return Error{EXDEV, "link", new_name};
  if (::linkat(at.get(), name.c_str(), to.get(), new_name.c_str(), 0) != 0) {
    return failure("link", new_name);
  }
  return {};
}

Status Files::rename(const Fd& at, const std::string& name, const Fd& to,
                     const std::string& new_name) {
  if (!names_one_entry(name) || !names_one_entry(new_name)) return Error{EXDEV, "rename", new_name};
  if (::renameat(at.get(), name.c_str(), to.get(), new_name.c_str()) != 0) {
    return failure("rename", new_name);
  }
  return {};
}

Status Files::unlink(const Fd& at, const std::string& name) {
  if (!names_one_entry(name)) return Error{EXDEV, "unlink", name};
  if (::unlinkat(at.get(), name.c_str(), 0) != 0) return failure("unlink", name);
  return {};
}

Status Files::remove_directory(const Fd& at, const std::string& name) {
  if (!names_one_entry(name)) return Error{EXDEV, "rmdir", name};
  if (::unlinkat(at.get(), name.c_str(), AT_REMOVEDIR) != 0) return failure("rmdir", name);
  return {};
}

Result<FileInfo> Files::info(const Fd& file) {
#ifdef HAVE_STATX
  struct statx extended;
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &extended) == 0 &&
      (extended.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS) {
    return from_statx(extended);
  }
#endif
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return failure("stat");
  return from_stat(status);
}

Result<FileInfo> Files::info_at(const Fd& at, const std::string& name) {
  if (!names_one_entry(name)) return Error{EXDEV, "stat", name};
  struct stat status;
  if (::fstatat(at.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return failure("stat", name);
  }
  return from_stat(status);
}

Result<std::vector<std::string>> Files::list(const Fd& directory) {
  // A separate open file: fdopendir takes it over, and a dup would share the offset.
  Fd own(retry([&] { return ::openat(directory.get(), ".", kDirectory); }));
  if (!own) return failure("open");
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), ::closedir);
  if (!stream) return failure("opendir");
  own.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return failure("readdir");
  return names;
}

Result<Space> Files::space(const Fd& file) {
  struct statvfs status;
  if (retry([&] { return ::fstatvfs(file.get(), &status); }) != 0) return failure("statvfs");
  return Space{status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize,
               status.f_favail, status.f_files};
}

FileSync Files::file_sync(const Fd& directory) { return sys::file_sync(directory); }

bool Files::is_shared(const Fd& directory) { return sys::is_shared(directory); }

}  // namespace handoff::sys
