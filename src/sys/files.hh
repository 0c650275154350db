// Every use of the filesystem by handoff goes through this class: the spool works on it, so that a
// test can fail any call or drop what was not synced (LevelDB's Env, for mailboxes).
//
// Paths are relative to a directory descriptor and never leave it: no call follows a symbolic
// link, "..", or an absolute path. Every call may block for as long as the disk does. Errors carry
// the errno and the name as given. Files are created with O_EXCL and O_CLOEXEC.
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
#include "sys/filesystem.hh"

namespace handoff::sys {

struct FileInfo {
  bool is_directory = false;
  bool is_regular = false;
  std::uint64_t size = 0;  // octets
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;  // permission bits
  std::chrono::system_clock::time_point modified;
  std::optional<std::chrono::system_clock::time_point> born;  // if the filesystem records it

  bool is_same_file(const FileInfo& other) const {
    return device == other.device && inode == other.inode;
  }
};

struct Space {
  std::uint64_t free_octets = 0;  // for users without privilege
  std::uint64_t total_octets = 0;
  std::uint64_t free_inodes = 0;
  std::uint64_t total_inodes = 0;  // 0: the filesystem does not count inodes
};

// Virtual, so that a test can override the one call that should fail.
class Files {
 public:
  virtual ~Files() = default;

  // Opens a directory by its configured path, the only path that may go through symbolic links.
  virtual Result<Fd> open_root(const std::string& path);
  // Returns facts about the directory that open_root() would open now. ENOTSUP if this process may
  // not ask (FreeBSD's capability mode).
  virtual Result<FileInfo> info_of_root(const std::string& path);
  // Opens a directory below `at`.
  virtual Result<Fd> open_directory(const Fd& at, const std::string& path);
  virtual Status make_directory(const Fd& at, const std::string& name, mode_t mode);

  // Creates a directory that belongs to the user from the moment it has its name; EEXIST if the
  // name is taken. Requires root.
  virtual Status make_directory_of(const Fd& at, const std::string& name, uid_t uid, gid_t gid,
                                   mode_t mode);
  // Gives the new file or directory to the group. If this user may not do so, because it is not in
  // the group, removes the rights that another group would have.
  virtual Status share(const Fd& file, gid_t group);
  // Gives everybody the right to pass through the directory. Requires the rights of its owner, or
  // root's.
  virtual Status let_pass(const Fd& directory);

  virtual Result<Fd> create(const Fd& at, const std::string& name, mode_t mode);
  virtual Result<Fd> open_file(const Fd& at, const std::string& name);  // to read
  // Opens a file for reading by its whole path, which may go through symbolic links. EINVAL if it
  // is not a regular file. Meant for files that people write, such as scripts.
  virtual Result<Fd> open_followed(const std::string& path);
  // Replaces the content of such a file, or creates it (0600). Refuses a symbolic link in its place
  // (ELOOP). Does not sync it, because a note may be lost.
  virtual Status write_note(const std::string& path, std::string_view text);
  // Opens an existing file to append to it. Each write() is appended whole, even with several
  // writers.
  virtual Result<Fd> open_to_append(const Fd& at, const std::string& name);
  // Opens an existing file to write over its first octets.
  virtual Result<Fd> open_to_overwrite(const Fd& at, const std::string& name);
  // Writes all of `octets` or fails; short writes are finished.
  virtual Status write(const Fd& file, std::string_view octets);
  // Starts to write these octets to disk, and waits for the `size` octets before them, so that
  // sync_data() has little left to do. Promises nothing. Treat failure as a write error: a later
  // sync_data() will not report it. Linux only; does nothing elsewhere.
  virtual Status start_writing(const Fd& file, std::uint64_t offset, std::uint64_t size);
  // Reads up to `size` octets from `offset` and returns their number; 0 at the end.
  virtual Result<std::size_t> read_at(const Fd& file, std::uint64_t offset, char* buffer,
                                      std::size_t size);
  // Returns when the content, and all that is needed to read it back, is on disk.
  virtual Status sync_data(const Fd& file);
  // The same, and also syncs the file's names as far as file_sync() guarantees.
  virtual Status sync_file(const Fd& file);
  // Passes the written octets to the disk, which may still hold them in its own cache.
  virtual Status write_out(const Fd& file);
  // Returns when the names in the directory are on disk.
  virtual Status sync_directory(const Fd& directory);
  // For files that were written to: a failure to close is a failure to write.
  virtual Status close(Fd file);

  // Fails with EEXIST if `new_name` exists, with EXDEV across filesystems.
  virtual Status link(const Fd& at, const std::string& name, const Fd& to,
                      const std::string& new_name);
  // Atomically replaces `new_name`. New mail gets its name by link() instead; mail readers rename
  // mail to move it.
  virtual Status rename(const Fd& at, const std::string& name, const Fd& to,
                        const std::string& new_name);
  virtual Status unlink(const Fd& at, const std::string& name);
  // ENOTEMPTY or EEXIST if it is not empty.
  virtual Status remove_directory(const Fd& at, const std::string& name);

  virtual Result<FileInfo> info(const Fd& file);
  virtual Result<FileInfo> info_at(const Fd& at, const std::string& name);
  virtual Result<std::vector<std::string>> list(const Fd& directory);  // without . and ..
  virtual Result<Space> space(const Fd& file);
  // Returns what sync_file() guarantees on the filesystem of `directory`.
  virtual FileSync file_sync(const Fd& directory);
  // Whether other hosts may use the filesystem of `directory` (sys/filesystem.hh).
  virtual bool is_shared(const Fd& directory);
};

}  // namespace handoff::sys
