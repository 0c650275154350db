#include "sys/text_file.hh"

#include <stdio.h>

#include <cerrno>

namespace handoff::sys {

Result<TextFile> TextFile::open(const std::string& path) {
  auto* file = std::fopen(path.c_str(), "re");  // e: O_CLOEXEC
  if (file == nullptr) return Error{errno, "open", path};
  return TextFile(file, path);
}

bool TextFile::next(std::string& line) {
  if (!status_) return false;
  auto* memory = buffer_.release();
  errno = 0;
  auto size = ::getline(&memory, &room_, file_.get());
  int error = errno;
  buffer_.reset(memory);
  if (size < 0) {
    // Not ferror(3): it does not report a lack of memory.
    if (std::feof(file_.get()) == 0) status_ = Error{error != 0 ? error : EIO, "read", path_};
    return false;
  }
  line.assign(memory, static_cast<std::size_t>(size));
  if (line.ends_with('\n')) line.pop_back();
  return true;
}

}  // namespace handoff::sys
