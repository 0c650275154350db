#include "sys/filesystem.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

#include "base/text.hh"

namespace handoff::sys {
namespace {

bool is_below(std::string_view path, std::string_view folder) {
  return folder == "/" || path == folder ||
         (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

#ifdef __linux__
// The filesystems that usually hold mailboxes; f_type of statfs(2), linux/magic.h.
struct Type {
  std::uint32_t magic;
  const char* name;
};
constexpr std::uint32_t kExt = 0xef53;  // also ext2, which has no journal
constexpr std::uint32_t kXfs = 0x58465342;
constexpr std::uint32_t kBtrfs = 0x9123683e;
constexpr Type kTypes[] = {{kExt, "ext4"},        {kXfs, "xfs"},           {kBtrfs, "btrfs"},
                           {0xf2f52010, "f2fs"},  {0x2fc12fc1, "zfs"},     {0x01021994, "tmpfs"},
                           {0x858458f6, "ramfs"}, {0x794c7630, "overlay"}, {0x6969, "nfs"},
                           {0x65735546, "fuse"},  {0xff534d42, "cifs"},    {0xfe534d42, "smb2"}};

std::string path_of(const Fd& file) {
  std::array<char, 4096> path;
  auto link = "/proc/self/fd/" + std::to_string(file.get());
  auto length = ::readlink(link.c_str(), path.data(), path.size());
  return length < 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(length));
}

// Returns the options of the mount that contains `path`; proc(5), /proc/PID/mountinfo. The last of
// several mounts at the same place counts.
std::string mount_options(const std::string& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string best;
  std::string options;
  for (std::string line; std::getline(mounts, line);) {
    auto fields = split(line, ' ');
    if (fields.size() < 7 || !is_below(path, fields[4]) || fields[4].size() < best.size()) continue;
    best = fields[4];
    options = std::string(fields[5]) + "," + std::string(fields.back());
  }
  return options;
}

// With these options a sync does not wait until the disk has written its cache.
std::string unsafe_option(const std::string& options) {
  for (auto option : split(options, ',')) {
    if (option == "nobarrier" || option == "barrier=0" || option == "volatile") {
      return std::string(option);
    }
  }
  return {};
}
std::uint32_t type_of(const Fd& file) {
  struct statfs status;
  return ::fstatfs(file.get(), &status) == 0 ? static_cast<std::uint32_t>(status.f_type) : 0;
}

// Returns the directory of its block device in /sys.
std::string block_device(const Fd& file) {
  struct stat status {};
  ::fstat(file.get(), &status);
  return "/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" +
         std::to_string(minor(status.st_dev));
}

// The ext4 driver names the thread that writes the filesystem's journal, "<none>" if there is no
// journal. If /sys cannot be read, none is assumed.
[[maybe_unused]] bool has_journal(const Fd& directory) {
  std::error_code failure;
  auto device = std::filesystem::read_symlink(block_device(directory), failure);
  std::ifstream file("/sys/fs/ext4/" + device.filename().string() + "/journal_task");
  std::string task;
  return !failure && std::getline(file, task) && !task.empty() &&
         std::isdigit(static_cast<unsigned char>(task.front())) != 0;
}
#endif

}  // namespace

Device device_of(const Fd& file) {
  Device device;
#ifdef __linux__
  const auto* known = std::ranges::find(kTypes, type_of(file), &Type::magic);
  if (known != std::end(kTypes)) device.filesystem = known->name;
  device.unsafe_option = unsafe_option(mount_options(path_of(file)));
#elif !defined(__NetBSD__)
  struct statfs about;
  if (::fstatfs(file.get(), &about) == 0) device.filesystem = about.f_fstypename;
#endif
  device.memory =
      device.filesystem == "tmpfs" || device.filesystem == "ramfs" || device.filesystem == "mfs";
  return device;
}

Status may_write(const Fd& directory) {
  if (::faccessat(directory.get(), ".", W_OK | X_OK, AT_EACCESS) == 0) return {};
  return Error{errno, "write", {}};
}

std::string missing_mount(const std::string& path, const std::string& fstab) {
  std::ifstream file(fstab);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string what, where, type, options;
    words >> what >> where >> type >> options;
    if (what.starts_with('#') || where.size() < 2 || !where.starts_with('/')) continue;
    if (!is_below(path, where) || options.find("bind") != options.npos) continue;
    struct stat at {
    }, above{};
    if (::stat(where.c_str(), &at) != 0 || ::stat((where + "/..").c_str(), &above) != 0) {
      return where;
    }
    if (at.st_dev == above.st_dev) return where;
  }
  return {};
}

FileSync file_sync([[maybe_unused]] const Fd& directory) {
#if defined(__linux__) && defined(HAVE_SYNC_FILE_RANGE)
  auto type = type_of(directory);
  if (type == kXfs || (type == kExt && has_journal(directory))) return FileSync::kNamesInOrder;
  if (type == kBtrfs) return FileSync::kNames;
#endif
  return FileSync::kFile;
}

}  // namespace handoff::sys
