// A file that processes map together, with a lock for each of its slots that ends with its owner.
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
  // Opens or makes (mode 0600) `name` below `directory` and maps its first `octets`; a shorter file
  // is filled up with zeros. Only one object of a process may have the file open: closing any
  // descriptor of it would end the locks of all (fcntl(2)).
  static Result<SharedFile> open(const Fd& directory, const std::string& name, std::size_t octets);
  SharedFile(SharedFile&& other) noexcept;
  SharedFile& operator=(SharedFile&&) = delete;
  ~SharedFile();

  // Has the disk keep room for a part of it, which a hole has not: writing to memory that a full
  // disk has no room for would end the process (SIGBUS). Where the filesystem cannot, it is so.
  Status keep_room(std::size_t offset, std::size_t octets) const;
  void* memory() const { return memory_; }
  // Takes the lock of a slot for as long as the process lives; false where another has it.
  bool lock(std::size_t slot) const;
  // Which other process has the lock; nothing: none has. Where that cannot be seen from here, as it
  // is in another container (pid namespace) or on another host, kUnseen.
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
