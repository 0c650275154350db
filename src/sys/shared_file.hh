// A file that several processes map. Each slot in it has a lock, which is released when its owner
// ends.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

class SharedFile {
 public:
  // Opens or creates (mode 0600) `name` below `directory` and maps its first `octets`; extends a
  // shorter file with zeros. Only one object in a process may have the file open: closing any of
  // its descriptors would release all locks (fcntl(2)).
  static Result<SharedFile> open(const Fd& directory, const std::string& name, std::size_t octets);
  // Memory of this process alone, without a file; no slot can be locked.
  static Result<SharedFile> anonymous(std::size_t octets);
  SharedFile(SharedFile&& other) noexcept;
  SharedFile& operator=(SharedFile&& other) noexcept;
  ~SharedFile();

  // Allocates disk space for a part of the file: a write to a mapped hole on a full disk would kill
  // the process (SIGBUS). Does nothing on filesystems that cannot allocate.
  Status keep_room(std::size_t offset, std::size_t octets) const;
  void* memory() const { return memory_; }
  // Locks a slot until the process ends; false if another process has it.
  bool lock(std::size_t slot) const;
  void unlock(std::size_t slot) const;
  // Returns the other process that has the lock, if any; kUnseen if it is in another container (pid
  // namespace) or on another host.
  std::optional<pid_t> locked_by_other(std::size_t slot) const;
  static constexpr pid_t kUnseen = 0;

 private:
  SharedFile(Fd file, void* memory, std::size_t octets)
      : file_(std::move(file)), memory_(memory), octets_(octets) {}
  Fd file_;
  void* memory_;
  std::size_t octets_;
};

}  // namespace handoff::sys
