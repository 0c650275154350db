#include "sys/shared_file.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__linux__) && __has_include(<linux/fs.h>)
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

#include <cerrno>
#include <utility>

namespace handoff::sys {
namespace {

struct flock byte_lock(std::size_t slot) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(slot);
  lock.l_len = 1;
  return lock;
}

// btrfs writes each block to a new place, and a full disk has none, even for allocated files. An
// empty file can be set to be overwritten in place, after both compression flags are cleared. Other
// filesystems overwrite in place anyway or have no such flag.
void write_in_place([[maybe_unused]] const Fd& file) {
#ifdef FS_NOCOW_FL
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
  flags &= ~(FS_COMPR_FL | FS_NOCOMP_FL);
  static_cast<void>(::ioctl(file.get(), FS_IOC_SETFLAGS, &flags));
  flags |= FS_NOCOW_FL;
  static_cast<void>(::ioctl(file.get(), FS_IOC_SETFLAGS, &flags));
#endif
}

}  // namespace

Result<SharedFile> SharedFile::open(const Fd& directory, const std::string& name,
                                    std::size_t octets) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  Fd file(::openat(directory.get(), name.c_str(), kFlags, 0600));
  if (!file) return Error{errno, "open", name};
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return Error{errno, "stat", name};
  if (status.st_size == 0) write_in_place(file);
  auto size = static_cast<off_t>(octets);
  if (status.st_size < size && ::ftruncate(file.get(), size) != 0) {
    return Error{errno, "enlarge", name};
  }
  void* memory = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return Error{errno, "map", name};
  return SharedFile(std::move(file), memory, octets);
}

Result<SharedFile> SharedFile::anonymous(std::size_t octets) {
  void* memory =
      ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return Error{errno, "map", "ledger"};
  return SharedFile(Fd(), memory, octets);
}

SharedFile::SharedFile(SharedFile&& other) noexcept
    : file_(std::move(other.file_)),
      memory_(std::exchange(other.memory_, nullptr)),
      octets_(other.octets_) {}

SharedFile& SharedFile::operator=(SharedFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(memory_, other.memory_);
  std::swap(octets_, other.octets_);
  return *this;
}

SharedFile::~SharedFile() {
  if (memory_ != nullptr) ::munmap(memory_, octets_);
}

Status SharedFile::keep_room([[maybe_unused]] std::size_t offset,
                             [[maybe_unused]] std::size_t octets) const {
#ifdef HAVE_POSIX_FALLOCATE
  int code = ::posix_fallocate(file_.get(), static_cast<off_t>(offset), static_cast<off_t>(octets));
  bool done = code == 0 || code == EINVAL || code == EOPNOTSUPP || code == ENODEV;
  if (!done) return Error{code, "keep room for", "ledger"};
#endif
  return {};
}

bool SharedFile::lock(std::size_t slot) const {
  auto lock = byte_lock(slot);
  return ::fcntl(file_.get(), F_SETLK, &lock) == 0;
}

void SharedFile::unlock(std::size_t slot) const {
  auto lock = byte_lock(slot);
  lock.l_type = F_UNLCK;
  ::fcntl(file_.get(), F_SETLK, &lock);
}

std::optional<pid_t> SharedFile::locked_by_other(std::size_t slot) const {
  auto lock = byte_lock(slot);
  if (::fcntl(file_.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  // fcntl_locking(2): 0 for another pid namespace, possibly negative for a remote process.
  return std::max(lock.l_pid, kUnseen);
}

}  // namespace handoff::sys
