// Reads a file line by line. Distinguishes its end from a read error, unlike the streams of libc++.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

class TextFile {
 public:
  // Blocks for the disk, as next() does.
  static Result<TextFile> open(const std::string& path);

  // Reads the next line without its "\n". False at the end and on error.
  bool next(std::string& line);
  // Returns the error, if next() failed because of one.
  const Status& status() const { return status_; }

 private:
  TextFile(Fd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  bool fill();

  Fd file_;
  // Not a FILE: its buffers are not overwritten when they are freed (secrets.hh).
  std::string buffer_;
  std::size_t begin_ = 0;  // of the next line in `buffer_`
  std::string path_;
  Status status_;
};

}  // namespace handoff::sys
