// What fsync of a file does for the file's names, on filesystems where that is known.
#pragma once

#include "sys/fd.hh"

namespace handoff::sys {

// Each does what those above it do.
enum class FileSync {
  kFile,   // POSIX: the file is on disk. A name of it is where its directory is synced.
  kNames,  // all names that the file has been given are on disk with it
  // No name is on disk before what was written out (Files::write_out) when it was given.
  kNamesInOrder,
};

// Of the filesystem that `directory` lies on; kFile where it is not known for more.
//
//   ext4, ext3 with a journal   kNamesInOrder. fsync waits for the transaction that changed the
//                               inode last, which giving it a name does; a transaction is committed
//                               whole and behind those before it
//                               (Documentation/filesystems/journalling). Writing out sets the size
//                               before it returns.
//   XFS                         kNamesInOrder. fsync forces the log up to the inode's last change;
//                               the size is logged before write-out returns.
//   btrfs                       kNames. fsync logs the inode with all of its names; the size is
//                               logged some time after write-out, so data has to be synced first.
//
// f2fs is left at kFile: it was not to be had where power was cut.
//
// Each of the three was shown by power cuts (t/crash/t0500-power.t). May block.
FileSync file_sync(const Fd& directory);

}  // namespace handoff::sys
