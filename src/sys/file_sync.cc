#include "sys/file_sync.hh"

#if defined(__linux__) && defined(HAVE_SYNC_FILE_RANGE)
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <string>
#endif

namespace handoff::sys {

#if defined(__linux__) && defined(HAVE_SYNC_FILE_RANGE)
namespace {

// As f_type has them (linux/magic.h).
constexpr auto kExt = 0xef53;  // ext2 too, which has no journal
constexpr auto kXfs = 0x58465342;
constexpr auto kBtrfs = 0x9123683e;

// The ext4 driver tells which thread writes the filesystem's journal; "<none>" where there is none.
// Where /sys cannot be read nothing is known.
bool has_journal(const Fd& directory) {
  struct stat status;
  if (::fstat(directory.get(), &status) != 0) return false;
  auto number = std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
  std::error_code failure;
  auto device = std::filesystem::read_symlink("/sys/dev/block/" + number, failure);
  if (failure) return false;
  std::ifstream file("/sys/fs/ext4/" + device.filename().string() + "/journal_task");
  std::string task;
  return std::getline(file, task) && !task.empty() &&
         std::isdigit(static_cast<unsigned char>(task.front()));
}

}  // namespace

FileSync file_sync(const Fd& directory) {
  struct statfs status;
  if (::fstatfs(directory.get(), &status) != 0) return FileSync::kFile;
  switch (static_cast<unsigned long>(status.f_type)) {
    case kExt:
      return has_journal(directory) ? FileSync::kNamesInOrder : FileSync::kFile;
    case kXfs:
      return FileSync::kNamesInOrder;
    case kBtrfs:
      return FileSync::kNames;
    default:
      return FileSync::kFile;
  }
}
#else
FileSync file_sync(const Fd&) { return FileSync::kFile; }
#endif

}  // namespace handoff::sys
