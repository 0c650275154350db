#include "sys/memory.hh"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace handoff::sys {

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

namespace {

// The limit on file size (RLIMIT_FSIZE) is meant for messages but also applies to this file;
// writing beyond it would kill the process with a signal. If even the hard limit is too low, the
// file stays empty.
#ifdef HAVE_MEMFD_CREATE
bool enlarge(const Fd& file, std::size_t octets) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_max < octets) return false;
  rlimit raised{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_FSIZE, &raised) != 0) return false;
  bool done = ::ftruncate(file.get(), static_cast<off_t>(octets)) == 0;
  return ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && done;
}
#endif

}  // namespace

Result<SharedMemory> SharedMemory::create(std::size_t octets) {
  Fd file;
#ifdef HAVE_MEMFD_CREATE
  auto made = anonymous_file();
  if (!made) return made.error();
  if (enlarge(made.value(), octets)) file = std::move(made).value();
#endif
  int flags = file ? MAP_SHARED : MAP_SHARED | MAP_ANON;
  void* start = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, flags, file.get(), 0);
  if (start == MAP_FAILED) return Error{errno, "mmap", {}};
#ifdef HAVE_MEMFD_CREATE
  if (file) ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
#endif
  return SharedMemory(std::move(file), static_cast<char*>(start), octets);
}

Result<SharedMemory> SharedMemory::attach(Fd file, std::size_t octets) {
  void* start = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (start == MAP_FAILED) return Error{errno, "mmap", {}};
  return SharedMemory(std::move(file), static_cast<char*>(start), octets);
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : file_(std::move(other.file_)),
      start_(std::exchange(other.start_, nullptr)),
      octets_(other.octets_) {}

void SharedMemory::unmap() {
  if (start_ != nullptr) ::munmap(start_, octets_);
  start_ = nullptr;
  file_.reset();
}

SharedMemory::~SharedMemory() { unmap(); }

Status SharedMemory::keep_writable(std::size_t offset, std::size_t octets) const {
  // A mapping through a descriptor that cannot write cannot become writable.
  auto reader = file_ ? reopen_to_read(file_) : Result<Fd>(Fd());
  if (!reader) return reader.error();
  auto make_read_only = [&](std::size_t from, std::size_t to) {
    if (from == to) return true;
    if (!file_) return ::mprotect(start_ + from, to - from, PROT_READ) == 0;
    return ::mmap(start_ + from, to - from, PROT_READ, MAP_SHARED | MAP_FIXED, reader.value().get(),
                  static_cast<off_t>(from)) != MAP_FAILED;
  };
  if (make_read_only(0, offset) && make_read_only(offset + octets, octets_)) return {};
  return Error{errno, "protect shared memory", {}};
}

Result<Fd> anonymous_file() {
#ifdef HAVE_MEMFD_CREATE
  Fd file(::memfd_create("handoff", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return Error{errno, "memfd_create", {}};
#else
  char name[] = "/tmp/handoff.XXXXXX";
  Fd file(::mkstemp(name));
  if (!file) return Error{errno, "mkstemp", name};
  ::unlink(name);
  ::fcntl(file.get(), F_SETFD, FD_CLOEXEC);
#endif
  return file;
}

Result<std::string> read_whole(const Fd& file) {
  std::string out;
  std::array<char, 16384> buffer;
  for (;;) {
    auto n = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(out.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{errno, "read", {}};
    if (n == 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

Status write_whole(const Fd& file, std::string_view octets) {
  off_t at = 0;
  while (!octets.empty()) {
    auto n = ::pwrite(file.get(), octets.data(), octets.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{errno, "write", {}};
    octets.remove_prefix(static_cast<std::size_t>(n));
    at += n;
  }
  return {};
}

Status seal([[maybe_unused]] const Fd& file) {
#ifdef HAVE_MEMFD_CREATE
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return Error{errno, "seal", {}};
#endif
  return {};
}

Result<Fd> reopen_to_read(const Fd& file) {
#ifdef HAVE_MEMFD_CREATE
  auto path = "/proc/self/fd/" + std::to_string(file.get());
  Fd again(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (again) return again;
    // Without access to /proc: newer kernels can map the other descriptor too.
#endif
  Fd same = duplicate(file);
  if (!same) return Error{errno, "dup", {}};
  return same;
}

}  // namespace handoff::sys
