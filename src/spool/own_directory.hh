// The directories that handoff makes in a spool: SPOOL/.handoff and those in it.
#pragma once

#include <cerrno>
#include <string>

#include "base/result.hh"
#include "spool/access.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Opens the directory `name` in `at`; creates and syncs it if it is missing. May block.
inline Result<sys::Fd> open_or_make(sys::Files& files, const sys::Fd& at, const std::string& name) {
  auto directory = files.open_directory(at, name);
  if (directory || directory.error().code != ENOENT) return directory;
  auto made = files.make_directory(at, name, kDirectoryMode);
  if (!made && made.error().code != EEXIST) return made.error();
  if (auto synced = files.sync_directory(at); !synced) return synced.error();
  return files.open_directory(at, name);
}

}  // namespace handoff::spool
