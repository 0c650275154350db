#include "floor/sequence.hh"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace handoff::bench {
namespace {

constexpr std::array kSequences = {
    Sequence{"plain", Place::kTmp, Data::kFsync, Publish::kRename, End::kDirectories,
             "create, write, fsync, rename, fsync directory"},
    Sequence{"staging", Place::kStaging, Data::kFdatasync, Publish::kLink, End::kDirectories,
             "staging folder, fdatasync, link, fsync each directory, unlink"},
    Sequence{"staging-rename", Place::kStaging, Data::kFdatasync, Publish::kRename,
             End::kDirectories, "staging folder, fdatasync, rename, fsync each directory"},
    Sequence{"unnamed", Place::kUnnamed, Data::kFdatasync, Publish::kLink, End::kDirectories,
             "O_TMPFILE, fdatasync, linkat, fsync each directory"},
    Sequence{"last-directory", Place::kStaging, Data::kFdatasync, Publish::kLink,
             End::kLastDirectory, "as staging, but only the last directory is synced"},
    Sequence{"file-twice", Place::kStaging, Data::kFdatasync, Publish::kLink, End::kFile,
             "fdatasync, link, fsync of the file, unlink"},
    Sequence{"early", Place::kStaging, Data::kWriteOut, Publish::kLink, End::kFile,
             "sync_file_range, link, fsync of the file, unlink"},
    Sequence{"early-own", Place::kOwnStaging, Data::kWriteOut, Publish::kLink, End::kFile,
             "as early, with a staging folder for each process"},
    Sequence{"early-rename", Place::kStaging, Data::kWriteOut, Publish::kRename, End::kFile,
             "sync_file_range, rename, fsync of the file"},
    Sequence{"early-tmp-rename", Place::kTmp, Data::kWriteOut, Publish::kRename, End::kFile,
             "MAILBOX/tmp, sync_file_range, rename, fsync of the file"},
    Sequence{"early-unnamed", Place::kUnnamed, Data::kWriteOut, Publish::kLink, End::kFile,
             "O_TMPFILE, sync_file_range, linkat, fsync of the file"},
    Sequence{"early-last-directory", Place::kStaging, Data::kWriteOut, Publish::kRename,
             End::kLastDirectory, "sync_file_range, rename, fsync of the last directory"},
    Sequence{"syncfs", Place::kStaging, Data::kWriteOut, Publish::kRename, End::kFilesystem,
             "sync_file_range, rename, syncfs"},
    Sequence{"syncfs-batch", Place::kStaging, Data::kWriteOut, Publish::kRename, End::kBatch,
             "sync_file_range, rename, one syncfs for all who wait"},
    Sequence{"late", Place::kStaging, Data::kLeave, Publish::kRename, End::kFile,
             "unsafe (short files): rename, fsync of the file"},
    Sequence{"none", Place::kStaging, Data::kLeave, Publish::kRename, End::kNothing,
             "unsafe: nothing is synced"},
};

[[noreturn]] void die(const char* what, const std::string& path = {}) {
  std::perror((std::string(what) + " " + path).c_str());
  std::exit(EXIT_FAILURE);
}

void check(bool fine, const char* what, const std::string& path = {}) {
  if (!fine) die(what, path);
}

void write_all(int file, std::string_view octets) {
  while (!octets.empty()) {
    auto n = ::write(file, octets.data(), octets.size());
    check(n > 0, "write");
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
}

void sync_directory(const std::string& path) {
  int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(directory >= 0, "open", path);
  check(::fsync(directory) == 0, "fsync", path);
  ::close(directory);
}

void sync_data(Data data, int file) {
  switch (data) {
    case Data::kFsync:
      return check(::fsync(file) == 0, "fsync");
    case Data::kFdatasync:
      return check(::fdatasync(file) == 0, "fdatasync");
    case Data::kWriteOut:
#ifdef HAVE_SYNC_FILE_RANGE
      return check(::sync_file_range(file, 0, 0,
                                     SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                         SYNC_FILE_RANGE_WAIT_AFTER) == 0,
                   "sync_file_range");
#else
      std::fputs("no sync_file_range here\n", stderr);
      std::exit(EXIT_FAILURE);
#endif
    case Data::kLeave:
      return;
  }
}

void sync_filesystem(int file) {
#ifdef __linux__
  check(::syncfs(file) == 0, "syncfs");
#else
  static_cast<void>(file);
  ::sync();
#endif
}

// Creates the file of a message; sets `path` to its name, or to an empty string if it has none yet.
int create(Place place, const std::string& mailbox, const std::string& name, std::string& path) {
  if (place == Place::kUnnamed) {
#ifdef O_TMPFILE
    path.clear();
    return ::open("staging", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#else
    return -1;
#endif
  }
  auto folder = mailbox + "/tmp/";
  if (place == Place::kStaging) folder = "staging/";
  if (place == Place::kOwnStaging) folder = "staging/" + std::to_string(::getpid()) + "/";
  path = folder + name;
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

void link(int file, const std::string& path, const std::string& to) {
  if (!path.empty()) return check(::link(path.c_str(), to.c_str()) == 0, "link", to);
  auto from = "/proc/self/fd/" + std::to_string(file);
  check(::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0, "linkat",
        to);
}

}  // namespace

std::span<const Sequence> sequences() { return kSequences; }

const Sequence* find_sequence(std::string_view name) {
  auto found = std::ranges::find(kSequences, name, &Sequence::name);
  return found == kSequences.end() ? nullptr : &*found;
}

class Batch {
 public:
  Batch() {
    pthread_mutexattr_t mutex;
    pthread_mutexattr_init(&mutex);
    pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&mutex_, &mutex);
    pthread_condattr_t condition;
    pthread_condattr_init(&condition);
    pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&condition_, &condition);
  }

  // If no sync is running, this process syncs for all that have requested one so far.
  void sync(int file) {
    pthread_mutex_lock(&mutex_);
    auto mine = ++asked_;
    while (done_ < mine) {
      if (running_) {
        pthread_cond_wait(&condition_, &mutex_);
        continue;
      }
      running_ = true;
      auto up_to = asked_;
      pthread_mutex_unlock(&mutex_);
      sync_filesystem(file);
      pthread_mutex_lock(&mutex_);
      done_ = up_to;
      running_ = false;
      pthread_cond_broadcast(&condition_);
    }
    pthread_mutex_unlock(&mutex_);
  }

 private:
  pthread_mutex_t mutex_;
  pthread_cond_t condition_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
  bool running_ = false;
};

Batch* make_batch() {
  void* memory =
      ::mmap(nullptr, sizeof(Batch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "mmap");
  return new (memory) Batch;
}

void deliver(const Sequence& sequence, Batch& batch, const std::string& name,
             const std::vector<std::string>& mailboxes, std::string_view octets) {
  std::string path;
  int file = create(sequence.place, mailboxes.front(), name, path);
  check(file >= 0, "create", path);
  write_all(file, octets);
  sync_data(sequence.data, file);

  for (const auto& mailbox : mailboxes) {
    auto to = mailbox + "/new/" + name;
    if (sequence.publish == Publish::kRename && &mailbox == &mailboxes.back()) {
      check(::rename(path.c_str(), to.c_str()) == 0, "rename", to);
    } else {
      link(file, path, to);
    }
    if (sequence.end == End::kDirectories) sync_directory(mailbox + "/new");
  }

  switch (sequence.end) {
    case End::kLastDirectory:
      sync_directory(mailboxes.back() + "/new");
      break;
    case End::kFile:
      check(::fsync(file) == 0, "fsync");
      break;
    case End::kFilesystem:
      sync_filesystem(file);
      break;
    case End::kBatch:
      batch.sync(file);
      break;
    case End::kDirectories:
    case End::kNothing:
      break;
  }
  check(::close(file) == 0, "close");
  if (sequence.publish == Publish::kLink && !path.empty()) {
    check(::unlink(path.c_str()) == 0, "unlink", path);
  }
}

}  // namespace handoff::bench
