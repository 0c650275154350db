// Reads a file line by line. Distinguishes its end from a read error, unlike the streams of libc++.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "base/result.hh"

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
  TextFile(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::unique_ptr<char, Free> buffer_;  // of getline(3), which reallocates it
  std::size_t room_ = 0;
  std::string path_;
  Status status_;
};

}  // namespace handoff::sys
