// A file descriptor that somebody owns: move-only, never an int by accident.
#pragma once

#include <utility>

namespace handoff::sys {

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
  // Closes without looking at the result: for descriptors that nothing was written to. What was
  // written goes through Files::close().
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Another descriptor of the same open file, above the standard ones and closed by exec. Not open:
// errno says why.
Fd duplicate(const Fd& fd);
// Makes the descriptor `as` another one of `fd`, which exec does not close.
void put_in_place(const Fd& fd, int as);

// Takes the open file for as long as this descriptor, or a copy of it in any process, is open;
// false where another has it. Where the filesystem has no such locks (flock(2)), true.
bool claim(const Fd& fd);

}  // namespace handoff::sys
