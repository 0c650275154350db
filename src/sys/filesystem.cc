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
// f_type of statfs(2), linux/magic.h.
constexpr std::uint32_t kExt = 0xef53;  // also ext2, which has no journal
constexpr std::uint32_t kXfs = 0x58465342;
constexpr std::uint32_t kBtrfs = 0x9123683e;
constexpr std::uint32_t kFuse = 0x65735546;
struct Type {
  std::uint32_t magic;
  const char* name;
  bool shared;  // other hosts may use it at the same time
};
constexpr Type kTypes[] = {
    {kExt, "ext4", false},        {kXfs, "xfs", false},           {kBtrfs, "btrfs", false},
    {0xf2f52010, "f2fs", false},  {0x2fc12fc1, "zfs", false},     {0x01021994, "tmpfs", false},
    {0x858458f6, "ramfs", false}, {0x794c7630, "overlay", false}, {0xca451a4e, "bcachefs", false},
    {0x61756673, "aufs", false},  {0xf15f, "ecryptfs", false},    {0x6969, "nfs", true},
    {0xff534d42, "cifs", true},   {0xfe534d42, "smb2", true},     {0x517b, "smb", true},
    {0x00c36400, "ceph", true},   {0x01021997, "9p", true},       {0x5346414f, "afs", true},
    {0x0bd00bd0, "lustre", true}, {0x19830326, "beegfs", true},   {0x47504653, "gpfs", true},
    {0x01161970, "gfs2", true},   {0x7461636f, "ocfs2", true},    {0x786f4256, "vboxsf", true}};

// FUSE filesystems that are on a disk of this host. All others count as shared.
constexpr std::string_view kLocalFuse[] = {
    "fuseblk",      "fuse.bindfs",         "fuse.mergerfs", "fuse.gocryptfs", "fuse.encfs",
    "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.ext4",     "fuse.zfs"};
constexpr std::string_view kGluster = "fuse.glusterfs";

std::string path_of(const Fd& file) {
  std::array<char, 4096> path;
  auto link = "/proc/self/fd/" + std::to_string(file.get());
  auto length = ::readlink(link.c_str(), path.data(), path.size());
  return length < 0 ? std::string() : std::string(path.data(), static_cast<std::size_t>(length));
}

// The id of the mount through which the file was opened; empty if the kernel does not show it.
std::string mount_id(const Fd& file) {
  std::ifstream about("/proc/self/fdinfo/" + std::to_string(file.get()));
  for (std::string key, value; about >> key >> value;) {
    if (key == "mnt_id:") return value;
  }
  return {};
}

// What /proc/PID/mountinfo says about a mount; proc(5).
struct Mount {
  std::string type;  // "ext4", "fuse.glusterfs"
  std::string options;
};

// Without an id, the last mount above the path counts.
Mount mount_of(const Fd& file) {
  auto id = mount_id(file);
  auto path = path_of(file);
  std::ifstream mounts("/proc/self/mountinfo");
  std::string best;
  Mount found;
  for (std::string line; std::getline(mounts, line);) {
    auto fields = split(line, ' ');
    auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 7 || fields.end() - dash < 3) continue;
    bool is_it =
        id.empty() ? is_below(path, fields[4]) && fields[4].size() >= best.size() : fields[0] == id;
    if (!is_it) continue;
    best = fields[4];
    found = {std::string(dash[1]), std::string(fields[5]) + "," + std::string(fields.back())};
  }
  return found;
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

const Type* known_type(std::uint32_t magic) {
  const auto* known = std::ranges::find(kTypes, magic, &Type::magic);
  return known == std::end(kTypes) ? nullptr : known;
}

// A filesystem that is not in the table is on this host if it has a block device.
bool has_block_device(const Fd& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && major(status.st_dev) != 0;
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
  auto magic = type_of(file);
  auto mount = mount_of(file);
  if (const auto* known = known_type(magic)) {
    device.filesystem = known->name;
  } else {
    device.filesystem = mount.type;
  }
  device.unsafe_option = unsafe_option(mount.options);
#elif !defined(__NetBSD__)
  struct statfs about;
  if (::fstatfs(file.get(), &about) == 0) device.filesystem = about.f_fstypename;
#endif
  device.shared = is_shared(file);
  device.memory =
      device.filesystem == "tmpfs" || device.filesystem == "ramfs" || device.filesystem == "mfs";
  return device;
}

bool is_shared([[maybe_unused]] const Fd& file) {
#ifdef __linux__
  auto magic = type_of(file);
  if (const auto* known = known_type(magic)) return known->shared;
  if (magic != kFuse) return !has_block_device(file);
  return std::ranges::find(kLocalFuse, mount_of(file).type) == std::end(kLocalFuse);
#elif defined(MNT_LOCAL) && !defined(__NetBSD__)
  struct statfs about;
  return ::fstatfs(file.get(), &about) == 0 && (about.f_flags & MNT_LOCAL) == 0;
#else
  return false;
#endif
}

std::string promise_of(const Device& device) {
  const auto& type = device.filesystem;
  constexpr std::string_view kOneHost = "; one host at a time may use it";
  if (device.memory) return "acknowledged mail is lost when the machine stops";
  if (type == "ext4" || type == "xfs" || type == "btrfs") {
    return "acknowledged mail survives a power failure (tested by cutting the power)";
  }
#ifdef __linux__
  if (type == kGluster) {
    return "acknowledged mail survives a power failure of all bricks: each name is synced with its "
           "file, because a sync of a directory does not reach the bricks" +
           std::string(kOneHost);
  }
#endif
  if (type == "nfs") {
    return "acknowledged mail survives a power failure of the server if it exports with sync, the "
           "default" +
           std::string(kOneHost);
  }
  if (device.shared) {
    return "acknowledged mail survives a power failure if a sync of a file, or of its directory, "
           "reaches the disks; nobody has tested that here" +
           std::string(kOneHost);
  }
  return "acknowledged mail survives a power failure if the filesystem does what POSIX requires; "
         "nobody has tested that here";
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
  if (type == kFuse && mount_of(directory).type == kGluster) return FileSync::kNames;
  if (type == kXfs || (type == kExt && has_journal(directory))) return FileSync::kNamesInOrder;
  if (type == kBtrfs) return FileSync::kNames;
#endif
  return FileSync::kFile;
}

}  // namespace handoff::sys
