#include "sys/memory.hh"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace handoff::sys {

Result<void*> map_shared(std::size_t octets) {
#ifdef MAP_NORESERVE
  constexpr int kFlags = MAP_SHARED | MAP_ANON | MAP_NORESERVE;
#else
  constexpr int kFlags = MAP_SHARED | MAP_ANON;
#endif
  void* memory = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (memory == MAP_FAILED) return Error{errno, "mmap", {}};
  return memory;
}

void unmap(void* memory, std::size_t octets) { ::munmap(memory, octets); }

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
    // Without /proc, or kept from it, a newer kernel does as well.
#endif
  Fd same = duplicate(file);
  if (!same) return Error{errno, "dup", {}};
  return same;
}

}  // namespace handoff::sys
