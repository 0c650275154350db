#include "spool/access.hh"

namespace handoff::spool {

bool is_shared(const sys::FileInfo& directory) {
  return (directory.mode >> 3 & 07) != (directory.mode & 07) && (directory.mode & 070) != 0;
}

Access access_in(const sys::FileInfo& directory) {
  Access access;
  if (!is_shared(directory)) return access;
  access.file |= directory.mode & 060;
  access.directory |= directory.mode & 070;
  access.group = directory.group;
  return access;
}

Result<Access> access_in(sys::Files& files, const sys::Fd& directory) {
  auto info = files.info(directory);
  if (!info) return info.error();
  return access_in(info.value());
}

Result<sys::Fd> create_file(sys::Files& files, const sys::Fd& at, const std::string& name,
                            const Access& access) {
  auto file = files.create(at, name, access.file);
  if (!file || !access.group) return file;
  auto shared = files.share(file.value(), *access.group);
  if (shared) return file;
  static_cast<void>(files.unlink(at, name).ok());
  return shared.error();
}

Status make_directory(sys::Files& files, const sys::Fd& at, const std::string& name,
                      const Access& access) {
  if (auto made = files.make_directory(at, name, access.directory); !made) return made;
  if (!access.group) return {};
  auto directory = files.open_directory(at, name);
  if (!directory) return directory.error();
  return files.share(directory.value(), *access.group);
}

}  // namespace handoff::spool
