// Which folder of SPOOL/.handoff/staging contains a message: staging itself or, if many messages
// are in progress, a folder of the process, staging/7e/NAME.
//
// Creating or removing a name locks its directory and, on a journaling filesystem, may wait for
// the journal while holding the lock. A few processes can share a directory; many would queue for
// the lock while the disk is idle (doc/performance.md measures this as `early` and `early-own`).
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Returns two hexadecimal digits that are the same in all names of a NameMaker, so that the name of
// a file tells its folder. Empty if `name` was not made by a NameMaker.
std::string staging_folder_of(std::string_view name);
bool is_staging_folder(std::string_view name);

// Applies `action` (const Fd& -> Status or Result) to the folder that contains the file `name`:
// first to staging itself; if that returns ENOENT, to the process's folder. May block.
template <class Action>
auto where_staged(sys::Files& files, const sys::Fd& staging, const std::string& name,
                  Action action) {
  auto done = action(staging);
  if (done || done.error().code != ENOENT) return done;
  auto folder = files.open_directory(staging, staging_folder_of(name));
  if (folder) return action(folder.value());
  // A name that is not ours (EXDEV) is in no folder.
  auto code = folder.error().code;
  return code == ENOENT || code == EXDEV ? done : decltype(done)(folder.error());
}

}  // namespace handoff::spool
