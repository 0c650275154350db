#include "sys/memory.hh"

#include <sys/mman.h>

#include <cerrno>

namespace handoff::sys {

Result<void*> map_shared(std::size_t octets) {
  void* memory = ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
  if (memory == MAP_FAILED) return Error{errno, "mmap", {}};
  return memory;
}

void unmap(void* memory, std::size_t octets) { ::munmap(memory, octets); }

}  // namespace handoff::sys
