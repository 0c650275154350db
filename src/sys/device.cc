#include "sys/device.hh"

#include <sys/stat.h>

#ifdef __linux__
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>

namespace handoff::sys {
namespace {

#ifdef __linux__
// Those that mailboxes lie on; f_type of statfs(2), linux/magic.h.
struct Type {
  std::uint32_t magic;
  const char* name;
};
constexpr Type kTypes[] = {{0xef53, "ext4"},      {0x58465342, "xfs"},     {0x9123683e, "btrfs"},
                           {0xf2f52010, "f2fs"},  {0x2fc12fc1, "zfs"},     {0x01021994, "tmpfs"},
                           {0x858458f6, "ramfs"}, {0x794c7630, "overlay"}, {0x6969, "nfs"},
                           {0x65735546, "fuse"},  {0xff534d42, "cifs"},    {0xfe534d42, "smb2"}};
#endif

}  // namespace

Device device_of(const Fd& file) {
  Device device;
#ifdef __linux__
  struct statfs about;
  if (::fstatfs(file.get(), &about) == 0) {
    const auto* known =
        std::ranges::find(kTypes, static_cast<std::uint32_t>(about.f_type), &Type::magic);
    if (known != std::end(kTypes)) device.filesystem = known->name;
  }
  struct stat status;
  if (::fstat(file.get(), &status) == 0) {
    auto at = "/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" +
              std::to_string(minor(status.st_dev));
    // A partition has its disk's queue.
    for (const char* queue : {"/queue/rotational", "/../queue/rotational"}) {
      int rotational = 0;
      if (std::ifstream(at + queue) >> rotational) {
        device.rotational = rotational != 0;
        break;
      }
    }
  }
#elif !defined(__NetBSD__)
  struct statfs about;
  if (::fstatfs(file.get(), &about) == 0) device.filesystem = about.f_fstypename;
#endif
  device.memory =
      device.filesystem == "tmpfs" || device.filesystem == "ramfs" || device.filesystem == "mfs";
  return device;
}

}  // namespace handoff::sys
