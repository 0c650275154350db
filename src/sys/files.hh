// All of the filesystem that handoff touches, behind one seam: the spool works on this interface,
// so that a test can fail any call, or drop what was not synced (LevelDB's Env, for mailboxes).
//
// Paths are relative to a directory descriptor and never leave it: no call follows a symbolic
// link, "..", or an absolute path. Every call may block as long as the disk does. Errors carry the
// errno and the name as given. Files are created with O_EXCL and O_CLOEXEC.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/file_sync.hh"

namespace handoff::sys {

struct FileInfo {
  bool is_directory = false;
  bool is_regular = false;
  std::uint64_t size = 0;  // octets
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;  // permission bits
  std::chrono::system_clock::time_point modified;
  std::optional<std::chrono::system_clock::time_point> born;  // where the filesystem tells
};

struct Space {
  std::uint64_t free_octets = 0;  // for users without privilege
  std::uint64_t total_octets = 0;
  std::uint64_t free_inodes = 0;
  std::uint64_t total_inodes = 0;  // 0: the filesystem does not count inodes
};

class Files {
 public:
  virtual ~Files() = default;

  // A directory by its configured path; this one may go through symbolic links.
  virtual Result<Fd> open_root(const std::string& path) = 0;
  // A directory below `at`.
  virtual Result<Fd> open_directory(const Fd& at, const std::string& path) = 0;
  virtual Status make_directory(const Fd& at, const std::string& name, mode_t mode) = 0;

  // A directory that is somebody's from the first moment that it has its name; EEXIST where that is
  // taken. Requires root.
  virtual Status make_directory_of(const Fd& at, const std::string& name, uid_t uid, gid_t gid,
                                   mode_t mode) = 0;
  // Everybody may pass through the directory. Requires its owner, or root.
  virtual Status let_pass(const Fd& directory) = 0;

  virtual Result<Fd> create(const Fd& at, const std::string& name, mode_t mode) = 0;
  virtual Result<Fd> open_file(const Fd& at, const std::string& name) = 0;  // to read
  // To write to the end of a file that is there; one write() is one piece of it, whoever else does.
  virtual Result<Fd> open_to_append(const Fd& at, const std::string& name) = 0;
  // All of `octets`, or an error; short writes are finished.
  virtual Status write(const Fd& file, std::string_view octets) = 0;
  // These octets are on their way to the disk when it returns, and as many before them, if they
  // were sent on their way, have arrived: so sync_data() will find little to do. It promises
  // nothing, but its failure is one of writing, of which sync_data() will not tell again. Linux
  // alone has it.
  virtual Status start_writing(const Fd& file, std::uint64_t offset, std::uint64_t size) = 0;
  // Up to `size` octets from `offset`; 0 at the end.
  virtual Result<std::size_t> read_at(const Fd& file, std::uint64_t offset, char* buffer,
                                      std::size_t size) = 0;
  // The content and all that is needed to read it back are on disk.
  virtual Status sync_data(const Fd& file) = 0;
  // The same, and what fsync does for the file's names: see file_sync().
  virtual Status sync_file(const Fd& file) = 0;
  // What was written is handed to the disk, which may still hold it in a cache of its own.
  virtual Status write_out(const Fd& file) = 0;
  // The names in the directory are on disk.
  virtual Status sync_directory(const Fd& directory) = 0;
  // For what was written to: a failure of close is a failure to write.
  virtual Status close(Fd file) = 0;

  // Fails with EEXIST where `new_name` is there, with EXDEV across filesystems.
  virtual Status link(const Fd& at, const std::string& name, const Fd& to,
                      const std::string& new_name) = 0;
  // In the place of what was `new_name`, at once. Mail is given its names by link() alone; readers
  // move it by this.
  virtual Status rename(const Fd& at, const std::string& name, const Fd& to,
                        const std::string& new_name) = 0;
  virtual Status unlink(const Fd& at, const std::string& name) = 0;

  virtual Result<FileInfo> info(const Fd& file) = 0;
  virtual Result<FileInfo> info_at(const Fd& at, const std::string& name) = 0;
  virtual Result<std::vector<std::string>> list(const Fd& directory) = 0;  // without . and ..
  virtual Result<Space> space(const Fd& file) = 0;
  // What sync_file does on the filesystem of `directory`.
  virtual FileSync file_sync(const Fd& directory) = 0;
};

// The real one. Open to be derived from: a test overrides the one call that is to fail.
class PosixFiles : public Files {
 public:
  Result<Fd> open_root(const std::string& path) override;
  Result<Fd> open_directory(const Fd& at, const std::string& path) override;
  Status make_directory(const Fd& at, const std::string& name, mode_t mode) override;
  Status make_directory_of(const Fd& at, const std::string& name, uid_t uid, gid_t gid,
                           mode_t mode) override;
  Status let_pass(const Fd& directory) override;
  Result<Fd> create(const Fd& at, const std::string& name, mode_t mode) override;
  Result<Fd> open_file(const Fd& at, const std::string& name) override;
  Result<Fd> open_to_append(const Fd& at, const std::string& name) override;
  Status write(const Fd& file, std::string_view octets) override;
  Status start_writing(const Fd& file, std::uint64_t offset, std::uint64_t size) override;
  Result<std::size_t> read_at(const Fd& file, std::uint64_t offset, char* buffer,
                              std::size_t size) override;
  Status sync_data(const Fd& file) override;
  Status sync_file(const Fd& file) override;
  Status write_out(const Fd& file) override;
  Status sync_directory(const Fd& directory) override;
  Status close(Fd file) override;
  Status link(const Fd& at, const std::string& name, const Fd& to,
              const std::string& new_name) override;
  Status rename(const Fd& at, const std::string& name, const Fd& to,
                const std::string& new_name) override;
  Status unlink(const Fd& at, const std::string& name) override;
  Result<FileInfo> info(const Fd& file) override;
  Result<FileInfo> info_at(const Fd& at, const std::string& name) override;
  Result<std::vector<std::string>> list(const Fd& directory) override;
  Result<Space> space(const Fd& file) override;
  FileSync file_sync(const Fd& directory) override;
};

}  // namespace handoff::sys
