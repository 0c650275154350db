#include "sys/text_file.hh"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace handoff::sys {
namespace {

constexpr std::size_t kPiece = 64 << 10;  // octets that are read at once

}  // namespace

Result<TextFile> TextFile::open(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error{errno, "open", path};
  return TextFile(std::move(file), path);
}

bool TextFile::next(std::string& line) {
  auto searched = begin_;
  for (;;) {
    auto end = buffer_.find('\n', searched);
    if (end == buffer_.npos) {
      searched = buffer_.size() - begin_;
      if (fill()) continue;
      if (!status_ || begin_ == buffer_.size()) return false;
      end = buffer_.size();
    }
    line.assign(buffer_, begin_, end - begin_);
    begin_ = std::min(end + 1, buffer_.size());
    return true;
  }
}

// Removes what next() has returned, and appends the next piece. False at the end and on error.
bool TextFile::fill() {
  if (!status_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  auto size = buffer_.size();
  buffer_.resize(size + kPiece);
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), buffer_.data() + size, kPiece);
  } while (got < 0 && errno == EINTR);
  if (got < 0) status_ = Error{errno, "read", path_};
  buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return got > 0;
}

}  // namespace handoff::sys
