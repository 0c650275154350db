// Where in SPOOL/.handoff/staging a message lies: in there, or, where many are under way at once,
// in the folder of its process, staging/7e/NAME.
//
// Whoever makes or removes a name holds its directory's lock, and on a filesystem with a journal
// may wait for that meanwhile. A few processes share one folder well; a crowd queues for it, and
// the disk waits for them (doc/performance.md has the floor's sequences `early` and `early-own`).
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::spool {

// Two digits of the name that are the same in all names of a NameMaker, so that whoever knows a
// name can find the file. Empty of a name that is no NameMaker's.
std::string crowd_folder_of(std::string_view name);
bool is_crowd_folder(std::string_view name);

// What `action` (const Fd& -> Status or Result) does with the folder that has the file `name`.
// Asks staging itself first, and goes on where that says ENOENT. May block.
template <class Action>
auto where_staged(sys::Files& files, const sys::Fd& staging, const std::string& name,
                  Action action) {
  auto done = action(staging);
  if (done || done.error().code != ENOENT) return done;
  auto folder = files.open_directory(staging, crowd_folder_of(name));
  return folder ? action(folder.value()) : done;
}

}  // namespace handoff::spool
