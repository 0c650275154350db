// Names on filesystems that several hosts can use (sys::is_shared).
#pragma once

#include <string>

#include "sys/files.hh"

namespace handoff::spool {

// Makes a name durable on any such filesystem: by a sync of its file, which is what works on
// GlusterFS, and by one of its directory, which POSIX requires. May block.
inline Status sync_name(sys::Files& files, const sys::Fd& directory, const std::string& name) {
  auto file = files.open_file(directory, name);
  if (!file) return file.error();
  if (auto synced = files.sync_file(file.value()); !synced) return synced;
  return files.sync_directory(directory);
}

}  // namespace handoff::spool
