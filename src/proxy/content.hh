// The content of a message on its way to backends, exactly as it was received. A backend that is
// slower than the client must not stop the others, so all content is kept until the transaction
// ends: in memory while it is small, otherwise in a file without a name. It is never synced,
// because nothing is promised before the backends have promised it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::proxy {

class Content {
 public:
  // Content up to this size stays in memory, octets.
  static constexpr std::size_t kInMemory = 64 << 10;
  // Opens the file; called at most once.
  using OpenFile = std::function<Result<sys::Fd>()>;

  // `files` must outlive the object.
  Content(sys::Files& files, OpenFile open) : files_(&files), open_(std::move(open)) {}

  Status append(std::string_view octets);
  std::uint64_t size() const { return size_; }
  // Appends to `out` up to `most` octets from `offset`, which is below size().
  Status read(std::uint64_t offset, std::size_t most, std::string& out) const;

 private:
  sys::Files* files_;
  OpenFile open_;
  std::string memory_;  // everything, or what is not in the file yet
  sys::Fd file_;
  std::uint64_t written_ = 0;  // octets in the file
  std::uint64_t size_ = 0;
};

}  // namespace handoff::proxy
