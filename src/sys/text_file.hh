// A file that is read line by line, and of which it is told whether it was read to its end: a
// stream of libc++ takes an error of the disk for the end.
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

  // Takes the next line, without its "\n". False at the end, and where it cannot be read.
  bool next(std::string& line);
  // Which of the two it was.
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
  std::unique_ptr<char, Free> buffer_;  // of getline(3), which enlarges it
  std::size_t room_ = 0;
  std::string path_;
  Status status_;
};

}  // namespace handoff::sys
