#include "sys/device.hh"

#include <sys/stat.h>

#ifdef __linux__
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include <fstream>

namespace handoff::sys {

Device device_of(const Fd& file) {
  Device device;
#ifdef __linux__
  struct statfs about;
  if (::fstatfs(file.get(), &about) == 0) {
    // statfs(2)
    switch (static_cast<unsigned long>(about.f_type)) {
      case 0x01021994:
        device.filesystem = "tmpfs";
        break;
      case 0x858458f6:
        device.filesystem = "ramfs";
        break;
      default:
        break;
    }
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
