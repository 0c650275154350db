// Memory shared by parent and children.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// Memory that is shared with every process forked after this.
class SharedMemory {
 public:
  // Zeroed. Pages that are never touched cost only address space.
  static Result<SharedMemory> create(std::size_t octets);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  // Maps the same memory in a process that was executed and not forked. `file` is descriptor() of
  // the object that created the memory.
  static Result<SharedMemory> attach(Fd file, std::size_t octets);

  char* start() const { return start_; }
  // Not open on systems on which only forks can share memory.
  const Fd& descriptor() const { return file_; }
  // Removes the memory from this process; other processes keep it.
  void unmap();
  // For another process: from now on it can write to this part only, and cannot undo that once
  // descriptor() is closed (Linux; other systems use mprotect). Requires whole pages: see
  // page_size().
  Status keep_writable(std::size_t offset, std::size_t octets) const;

 private:
  SharedMemory(Fd file, char* start, std::size_t octets)
      : file_(std::move(file)), start_(start), octets_(octets) {}
  Fd file_;
  char* start_;
  std::size_t octets_;
};

std::size_t page_size();

// Returns a new file without a name, in memory if the system supports that.
Result<Fd> anonymous_file();
// Returns the whole content of such a file.
Result<std::string> read_whole(const Fd& file);
// EFBIG if a limit on the size of files forbids it.
Status write_whole(const Fd& file, std::string_view octets);
// Makes such a file immutable for all processes, if the system can (Linux).
Status seal(const Fd& file);
// Returns a read-only descriptor of the same file. Linux before 6.7 maps a sealed file only through
// one.
Result<Fd> reopen_to_read(const Fd& file);

}  // namespace handoff::sys
