// File descriptors with one owner, and pairs of them: pipes and socket pairs.
#pragma once

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hh"

namespace handoff::sys {

// Returns whether a call on a non-blocking descriptor has to be repeated later.
inline bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

inline constexpr int kStandardInput = 0;
inline constexpr int kStandardOutput = 1;
inline constexpr int kStandardError = 2;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  // Closes and ignores the result: for descriptors that were not written to. Close others with
  // Files::close().
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Returns a copy of the descriptor, above the standard ones and close-on-exec. Not open on failure;
// see errno.
Fd duplicate(const Fd& fd);
// Makes the descriptor `as` a copy of `fd` that stays open over exec.
void put_in_place(const Fd& fd, int as);

// Locks the open file (flock(2)) until this descriptor and all copies of it, in any process, are
// closed; false if another open file has the lock. True on filesystems without such locks.
bool claim(const Fd& fd);

// All of these are close-on-exec and non-blocking.
struct Pipe {
  Fd read;
  Fd write;
};
Result<Pipe> open_pipe();
// Returns two connected unix sockets; `type` is SOCK_STREAM or SOCK_SEQPACKET.
Result<std::pair<Fd, Fd>> socket_pair(int type);

// Writes as many octets as there is room for and returns their number; also 0 if nobody reads.
std::size_t put(const Fd& to, std::string_view octets);
// Returns up to `most` octets of what has arrived: an empty string if nothing has arrived, no value
// if the other end is closed.
std::optional<std::string> take(const Fd& from, std::size_t most);

}  // namespace handoff::sys
