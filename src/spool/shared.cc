#include "spool/shared.hh"

#include <cerrno>

#include "sys/process.hh"

namespace handoff::spool {

Status sync_name(sys::Files& files, const sys::Fd& directory, const std::string& name,
                 bool shared) {
  if (!shared) return files.sync_directory(directory);
  auto file = files.open_file(directory, name);
  if (!file) return file.error();
  if (auto synced = files.sync_file(file.value()); !synced) return synced;
  return files.sync_directory(directory);
}

Status add_name(sys::Files& files, const sys::Fd& staging, const std::string& from,
                const sys::Fd& to, const std::string& name, bool shared) {
  if (!shared) return files.link(staging, from, to, name);
  auto second = from + ",L=" + std::to_string(sys::random_number());
  // EEXIST: the client of NFS has repeated the call. Nobody else makes this name.
  auto linked = files.link(staging, from, staging, second);
  if (!linked && linked.error().code != EEXIST) return linked;
  auto moved = move_name(files, staging, second, to, name);
  if (!moved) static_cast<void>(files.unlink(staging, second).ok());
  return moved;
}

Status move_name(sys::Files& files, const sys::Fd& at, const std::string& from, const sys::Fd& to,
                 const std::string& name) {
  // rename(2) would replace another file of this name. If both names are links to one file, it does
  // nothing.
  auto taken = files.info_at(to, name);
  if (taken) return Error{EEXIST, "link", name};
  if (taken.error().code != ENOENT) return taken.error();
  auto renamed = files.rename(at, from, to, name);
  // The client of NFS may have repeated the call after it had succeeded.
  return renamed || files.info_at(to, name) ? Status() : renamed;
}

Status take_back(sys::Files& files, const sys::Fd& directory, const std::string& name,
                 const sys::Fd& staging, bool shared) {
  if (!shared) return files.unlink(directory, name);
  auto back = "back." + std::to_string(sys::random_number());
  auto moved = files.rename(directory, name, staging, back);
  return moved ? files.unlink(staging, back) : moved;
}

}  // namespace handoff::spool
