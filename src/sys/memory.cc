#include "sys/memory.hh"

#include <sys/mman.h>

#include <cerrno>

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

}  // namespace handoff::sys
