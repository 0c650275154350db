// sharedfs: mounts a directory again by FUSE, like a cluster filesystem: each host of a test mounts
// the same directory. The type of the mount is fuse.glusterfs or another one.
//
// It imitates such filesystems: a sync of a directory does nothing, and links and shared mappings
// can be refused.
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr const char* kUsage =
    "usage: sharedfs DIR MOUNTPOINT TYPE [--max-links N ERRNO] [--direct-io]\n"
    "Mounts DIR at MOUNTPOINT, until it is unmounted. The type of the mount is fuse.TYPE.\n"
    "--max-links N ERRNO: link(2) of a file with N names fails with this errno.\n"
    "--direct-io: files cannot be mapped as shared memory.\n";

struct Options {
  std::string directory;
  unsigned long max_links = 0;  // 0: any number
  int link_error = 0;
  bool direct_io = false;
};
Options options;

std::string real(const char* path) { return options.directory + path; }
int result(long done) { return done < 0 ? -errno : static_cast<int>(done); }
int descriptor(const fuse_file_info* info) { return static_cast<int>(info->fh); }

// A new file belongs to the user of the process that created it.
int own(const std::string& path) {
  const auto* asker = fuse_get_context();
  return result(::lchown(path.c_str(), asker->uid, asker->gid));
}

int get_attributes(const char* path, struct stat* to, fuse_file_info* info) {
  return result(info != nullptr ? ::fstat(descriptor(info), to) : ::lstat(real(path).c_str(), to));
}
int read_link(const char* path, char* to, size_t size) {
  auto n = ::readlink(real(path).c_str(), to, size - 1);
  if (n < 0) return -errno;
  to[n] = 0;
  return 0;
}
int make_directory(const char* path, mode_t mode) {
  auto at = real(path);
  return ::mkdir(at.c_str(), mode) != 0 ? -errno : own(at);
}
int unlink(const char* path) { return result(::unlink(real(path).c_str())); }
int remove_directory(const char* path) { return result(::rmdir(real(path).c_str())); }
int rename(const char* from, const char* to, unsigned flags) {
  return flags != 0 ? -EINVAL : result(::rename(real(from).c_str(), real(to).c_str()));
}
int link(const char* from, const char* to) {
  struct stat status;
  auto at = real(from);
  if (options.max_links > 0 && ::lstat(at.c_str(), &status) == 0 &&
      status.st_nlink >= options.max_links) {
    return -options.link_error;
  }
  return result(::link(at.c_str(), real(to).c_str()));
}
int set_mode(const char* path, mode_t mode, fuse_file_info*) {
  return result(::chmod(real(path).c_str(), mode));
}
int set_owner(const char* path, uid_t user, gid_t group, fuse_file_info*) {
  return result(::lchown(real(path).c_str(), user, group));
}
int set_size(const char* path, off_t size, fuse_file_info* info) {
  return result(info != nullptr ? ::ftruncate(descriptor(info), size)
                                : ::truncate(real(path).c_str(), size));
}
int set_times(const char* path, const timespec* times, fuse_file_info*) {
  return result(::utimensat(AT_FDCWD, real(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}
int take(int opened, fuse_file_info* info) {
  if (opened < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(opened);
  info->direct_io = options.direct_io;
  return 0;
}
int create(const char* path, mode_t mode, fuse_file_info* info) {
  auto at = real(path);
  int done = take(::open(at.c_str(), info->flags | O_CREAT | O_CLOEXEC, mode), info);
  return done != 0 ? done : own(at);
}
int open(const char* path, fuse_file_info* info) {
  // The kernel has already determined the offset of an append.
  return take(::open(real(path).c_str(), (info->flags & ~O_APPEND) | O_CLOEXEC), info);
}
int read(const char*, char* to, size_t size, off_t offset, fuse_file_info* info) {
  return result(::pread(descriptor(info), to, size, offset));
}
int write(const char*, const char* from, size_t size, off_t offset, fuse_file_info* info) {
  return result(::pwrite(descriptor(info), from, size, offset));
}
int release(const char*, fuse_file_info* info) { return result(::close(descriptor(info))); }
int sync(const char*, int data_only, fuse_file_info* info) {
  return result(data_only != 0 ? ::fdatasync(descriptor(info)) : ::fsync(descriptor(info)));
}
int sync_directory(const char*, int, fuse_file_info*) { return 0; }
int statistics(const char* path, struct statvfs* to) {
  return result(::statvfs(real(path).c_str(), to));
}
int list(const char* path, void* to, fuse_fill_dir_t fill, off_t, fuse_file_info*,
         fuse_readdir_flags) {
  DIR* directory = ::opendir(real(path).c_str());
  if (directory == nullptr) return -errno;
  while (const auto* entry = ::readdir(directory)) {
    struct stat status {};
    status.st_ino = entry->d_ino;
    status.st_mode = static_cast<mode_t>(entry->d_type) << 12;
    fill(to, entry->d_name, &status, 0, fuse_fill_dir_flags{});
  }
  ::closedir(directory);
  return 0;
}
// Nothing is cached, because another mount may change it.
void* begin(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->kernel_cache = 0;
  return nullptr;
}

fuse_operations operations() {
  fuse_operations out{};
  out.getattr = get_attributes;
  out.readlink = read_link;
  out.mkdir = make_directory;
  out.unlink = unlink;
  out.rmdir = remove_directory;
  out.rename = rename;
  out.link = link;
  out.chmod = set_mode;
  out.chown = set_owner;
  out.truncate = set_size;
  out.utimens = set_times;
  out.create = create;
  out.open = open;
  out.read = read;
  out.write = write;
  out.release = release;
  out.fsync = sync;
  out.fsyncdir = sync_directory;
  out.statfs = statistics;
  out.readdir = list;
  out.init = begin;
  return out;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) return std::fputs(kUsage, stderr), 64;
  options.directory = arguments[0];
  for (std::size_t i = 3; i < arguments.size(); ++i) {
    if (arguments[i] == "--direct-io") {
      options.direct_io = true;
    } else if (arguments[i] == "--max-links" && i + 2 < arguments.size()) {
      options.max_links = std::strtoul(arguments[++i].c_str(), nullptr, 10);
      options.link_error = std::atoi(arguments[++i].c_str());
    } else {
      return std::fputs(kUsage, stderr), 64;
    }
  }
  ::umask(0);
  auto how = "allow_other,default_permissions,fsname=shared,subtype=" + arguments[2];
  std::array<const char*, 5> words{"sharedfs", "-f", "-o", how.c_str(), arguments[1].c_str()};
  auto all = operations();
  return fuse_main(static_cast<int>(words.size()), const_cast<char**>(words.data()), &all, nullptr);
}

}  // namespace

int main(int argc, char** argv) { return run({argv + 1, argv + argc}); }
