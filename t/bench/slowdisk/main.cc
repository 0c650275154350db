// slowdisk: a file in memory that behaves like a disk with a write cache. Writes return
// immediately; a flush (fsync(2) of the file) takes a fixed time, and flushes are serialised. A
// loop device on this file behaves like a physical disk, unlike the disk of a virtual machine,
// whose flushes may only reach memory. It uses FUSE because dm-delay and null_blk need kernel
// modules. For t0500-power.t its power can be cut: unflushed writes, or a part of them, are then
// lost.
#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "arguments.hh"

namespace handoff::bench {
namespace {

constexpr const char* kUsage =
    "usage: slowdisk --at DIR --mib N [--flush-us 2000] [--keep PERCENT]\n"
    "Mounts a filesystem with one file, DIR/disk, of N MiB, until it is unmounted; each flush "
    "takes\n"
    "the given number of microseconds. Runs in the foreground.\n"
    "With --keep PERCENT, opening DIR/left cuts the power: no flush ends any more, and DIR/left\n"
    "contains everything that was flushed and a random part of the later writes.\n";
constexpr const char* kName = "/disk";
constexpr const char* kLeft = "/left";

struct Write {
  off_t offset;
  std::size_t size;
};

struct Disk {
  int memory = -1;
  off_t size = 0;
  std::chrono::microseconds flush{};
  std::mutex flushing;

  int left = -1;  // descriptor of the content after a cut; -1: no cut
  unsigned keep = 0;
  std::atomic<bool> is_cut = false;
  std::mutex writing;
  std::vector<Write> unflushed;
};

Disk& disk() { return *static_cast<Disk*>(fuse_get_context()->private_data); }

bool is_left(const char* path) { return disk().left >= 0 && std::strcmp(path, kLeft) == 0; }
bool is_disk(const char* path) { return std::strcmp(path, kName) == 0 || is_left(path); }

void* begin(fuse_conn_info* connection, fuse_config* config) {
  connection->max_background = 64;
  config->kernel_cache = 0;
  config->attr_timeout = config->entry_timeout = 3600;  // seconds; attributes never change
  return fuse_get_context()->private_data;
}

int getattr(const char* path, struct stat* status, fuse_file_info*) {
  *status = {};
  status->st_nlink = 1;
  status->st_mode = is_disk(path) ? S_IFREG | 0600 : S_IFDIR | 0700;
  status->st_size = is_disk(path) ? disk().size : 0;
  return is_disk(path) || std::strcmp(path, "/") == 0 ? 0 : -ENOENT;
}

bool save(const Write& write) {
  std::vector<char> octets(write.size);
  auto n = ::pread(disk().memory, octets.data(), octets.size(), write.offset);
  return n >= 0 &&
         ::pwrite(disk().left, octets.data(), static_cast<std::size_t>(n), write.offset) == n;
}

int cut_power() {
  if (disk().is_cut.exchange(true)) return 0;
  std::scoped_lock both(disk().flushing, disk().writing);  // after the running flush
  std::mt19937 random(std::random_device{}());
  bool saved = std::ranges::all_of(disk().unflushed, [&](const Write& write) {
    return random() % 100 >= disk().keep || save(write);
  });
  return saved ? 0 : -EIO;
}

int open(const char* path, fuse_file_info* file) {
  if (is_left(path)) {
    if (int failed = cut_power(); failed != 0) return failed;
  }
  file->direct_io = 1;  // written data is here and not in the kernel's cache
  return is_disk(path) ? 0 : -ENOENT;
}

int read(const char* path, char* to, std::size_t size, off_t offset, fuse_file_info*) {
  auto n = ::pread(is_left(path) ? disk().left : disk().memory, to, size, offset);
  return n < 0 ? -errno : static_cast<int>(n);
}

int write(const char* path, const char* from, std::size_t size, off_t offset, fuse_file_info*) {
  if (is_left(path)) return -EROFS;
  auto n = ::pwrite(disk().memory, from, size, offset);
  if (disk().left >= 0) {
    std::lock_guard one(disk().writing);
    disk().unflushed.push_back({offset, size});
  }
  return n < 0 ? -errno : static_cast<int>(n);
}

int sync(const char*, int, fuse_file_info*) {
  std::lock_guard one(disk().flushing);
  std::vector<Write> before;
  {
    std::lock_guard two(disk().writing);
    before.swap(disk().unflushed);
  }
  std::this_thread::sleep_for(disk().flush);
  if (!disk().is_cut) return std::ranges::all_of(before, save) ? 0 : -EIO;
  std::lock_guard two(disk().writing);
  disk().unflushed.insert(disk().unflushed.begin(), before.begin(), before.end());
  return -EIO;
}

int run(const std::string& at, Disk& disk, bool with_cut) {
  disk.memory = ::memfd_create("slowdisk", MFD_CLOEXEC);
  bool made = disk.memory >= 0 && ::ftruncate(disk.memory, disk.size) == 0;
  if (made && with_cut) {
    disk.left = ::memfd_create("left", MFD_CLOEXEC);
    made = disk.left >= 0 && ::ftruncate(disk.left, disk.size) == 0;
  }
  if (!made) {
    std::perror("slowdisk");
    return EXIT_FAILURE;
  }
  fuse_operations calls = {};
  calls.init = begin;
  calls.getattr = getattr;
  calls.open = open;
  calls.read = read;
  calls.write = write;
  calls.fsync = sync;
  // libfuse 3.14 warns about its own default number of threads.
  std::array<std::string, 5> words = {"slowdisk", "-f", "-o", "max_threads=10", at};
  std::array<char*, 6> argv = {};
  std::ranges::transform(words, argv.begin(), [](auto& word) { return word.data(); });
  return fuse_main(static_cast<int>(words.size()), argv.data(), &calls, &disk);
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) {
  using namespace handoff::bench;
  Arguments arguments(argc, argv, {{"at", ""}, {"mib", "0"}, {"flush-us", "2000"}, {"keep", ""}},
                      kUsage);
  Disk disk;
  disk.size = static_cast<off_t>(arguments.number("mib")) << 20;
  disk.flush = std::chrono::microseconds(arguments.number("flush-us"));
  if (arguments.text("at").empty() || disk.size == 0) Arguments::die("--at and --mib are wanted");
  bool with_cut = !arguments.text("keep").empty();
  if (with_cut) disk.keep = static_cast<unsigned>(arguments.number("keep"));
  return run(arguments.text("at"), disk, with_cut);
}
