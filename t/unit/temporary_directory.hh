// A new directory on disk that is removed with its content at the end of the test.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

class TemporaryDirectory {
 public:
  // `parent`: the parent directory, instead of $TMPDIR or /tmp. The path is short enough for a
  // socket.
  explicit TemporaryDirectory(std::filesystem::path parent = std::filesystem::temp_directory_path())
      : path_((parent / "handoff-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

  void make(const std::string& name) const { std::filesystem::create_directories(path(name)); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void link(const std::string& target, const std::string& name) const {
    std::filesystem::create_symlink(target, path(name));
  }
  bool has(const std::string& name) const {
    return std::filesystem::symlink_status(path(name)).type() !=
           std::filesystem::file_type::not_found;
  }
  // Returns the names in one of its directories; none if it does not exist.
  std::set<std::string> names(const std::string& name) const {
    std::set<std::string> out;
    if (!has(name)) return out;
    for (const auto& entry : std::filesystem::directory_iterator(path(name))) {
      out.insert(entry.path().filename().string());
    }
    return out;
  }
  mode_t mode(const std::string& name) const {
    struct stat status {};
    ::lstat(path(name).c_str(), &status);
    return status.st_mode & 07777;
  }

 private:
  std::string path_;
};
