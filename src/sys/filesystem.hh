// The filesystem of a directory, where filesystems should be mounted, and what fsync of a file does
// for the file's names.
#pragma once

#include <string>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

struct Device {
  std::string filesystem;  // "tmpfs", "ext4", "fuse.glusterfs"; empty: unknown
  bool memory = false;     // its content is lost when the machine stops
  bool shared = false;     // what is_shared() returns
  std::string
      unsafe_option;  // a mount option that disables flushes, "nobarrier"; empty: none known
};

// Returns the device of a directory or file. Members that cannot be determined keep their defaults.
Device device_of(const Fd& file);

// Whether other hosts may use the filesystem of this file at the same time: a network or cluster
// filesystem, or one that is unknown and has no disk of this host. There, memory maps and locks are
// not relied on, and a sync of a directory may have no effect. May block.
bool is_shared(const Fd& file);

// Returns, for people, which failures acknowledged mail survives on such a device.
std::string promise_of(const Device& device);

// Returns a mount point in `fstab` that is `path` or a parent of it and that is not mounted; empty
// if there is none. Does not recognise bind mounts.
std::string missing_mount(const std::string& path, const std::string& fstab = "/etc/fstab");

// Returns whether this process may create files in the directory: ok, EACCES or EROFS. For reports
// only: a delivery just tries to create the file.
Status may_write(const Fd& directory);

// Each guarantee includes the previous one.
enum class FileSync {
  kFile,   // POSIX: the file is on disk. A name is on disk when its directory has been synced.
  kNames,  // all names that the file has been given are on disk with it
  // No name is on disk before the data that was written out (Files::write_out) when the name was
  // given.
  kNamesInOrder,
};

// Returns the guarantee of the filesystem of `directory`; kFile unless more is known.
//
//   ext4, ext3 with a journal   kNamesInOrder. fsync waits for the transaction that last changed
//                               the inode, and giving it a name changes it; transactions are
//                               committed whole and in order
//                               (Documentation/filesystems/journalling). Writing out sets the size
//                               before it returns.
//   XFS                         kNamesInOrder. fsync forces the log up to the inode's last change;
//                               the size is logged before write-out returns.
//   btrfs                       kNames. fsync logs the inode with all of its names; the size is
//                               logged some time after write-out, so data has to be synced first.
//   GlusterFS                   kNames. The bricks' fsync of the file includes its names, as above.
//                               fsync of a directory never reaches the bricks.
//
// f2fs stays at kFile because no test has cut its power; t/crash/t0500-power.t cuts the power of
// the other three. May block.
FileSync file_sync(const Fd& directory);

}  // namespace handoff::sys
