// A sys::Files that wraps another one, records each call in order, and fails selected calls.
//
//   WatchedFiles files(posix);
//   files.fault = [](const Call& call) { return call.op == Op::kSyncData ? EIO : 0; };
//   ...                      // the code under test
//   files.calls              // the calls, with paths relative to the root
//
// A failing call has no effect except the one that it has in reality: a failing write stores half
// of its octets, and a failing close closes the descriptor. The record is sufficient to repeat the
// calls elsewhere.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/files.hh"

enum class Op {
  kOpenRoot,
  kOpenDirectory,
  kMakeDirectory,
  kCreate,
  kOpenFile,
  kWrite,
  kStartWriting,
  kRead,
  kSyncData,
  kSyncFile,
  kWriteOut,
  kSyncDirectory,
  kClose,
  kLink,
  kRename,
  kUnlink,
  kRemoveDirectory,
  kAppend,
  kOverwrite,
  kInfo,
  kList,
  kSpace,
};

inline std::string name_of(Op op) {
  static constexpr const char* kNames[] = {"open root",
                                           "open directory",
                                           "make directory",
                                           "create",
                                           "open file",
                                           "write",
                                           "start writing",
                                           "read",
                                           "sync data",
                                           "sync file",
                                           "write out",
                                           "sync",
                                           "close",
                                           "link",
                                           "rename",
                                           "unlink",
                                           "remove directory",
                                           "append to",
                                           "overwrite",
                                           "info",
                                           "list",
                                           "space"};
  return kNames[static_cast<int>(op)];
}

struct Call {
  Op op;
  std::string path;         // from the root; "." is the root itself
  std::string target = {};  // of a link or a rename: its new name
  std::string octets = {};  // of a write
  int failed = 0;           // errno

  // Returns whether it changes the disk or makes a change durable.
  bool acts() const {
    return op == Op::kMakeDirectory || op == Op::kCreate || op == Op::kWrite ||
           op == Op::kSyncData || op == Op::kSyncFile || op == Op::kWriteOut ||
           op == Op::kSyncDirectory || op == Op::kClose || op == Op::kLink || op == Op::kUnlink ||
           op == Op::kRename;
  }
  std::string text() const {
    auto out = name_of(op) + " " + path;
    if (!target.empty()) out += " -> " + target;
    if (failed != 0) out += " fails";
    return out;
  }
};

class WatchedFiles final : public handoff::sys::Files {
  using Fd = handoff::sys::Fd;
  using Status = handoff::Status;
  template <class T>
  using Result = handoff::Result<T>;

 public:
  explicit WatchedFiles(handoff::sys::Files& below) : below_(below) {}

  // Called before each call; an errno other than 0 makes that call fail.
  std::function<int(const Call&)> fault;
  // Whether info() omits the birth time, as on a filesystem without birth times.
  bool hide_birth = false;
  // The result of file_sync(), whatever the filesystem is.
  handoff::sys::FileSync sync = handoff::sys::FileSync::kFile;
  // The result of is_shared(), and how often it was called.
  bool shared = false;
  // A directory whose list is empty, although its names can be looked up.
  std::string hidden;
  unsigned asked_shared = 0;
  std::vector<Call> calls;

  // Returns the modifying calls as text.
  std::vector<std::string> actions() const {
    std::vector<std::string> out;
    for (const Call& call : calls) {
      if (call.acts()) out.push_back(call.text());
    }
    return out;
  }

  Result<Fd> open_root(const std::string& path) override {
    if (int code = note({Op::kOpenRoot, "."})) return failure(code, path);
    return known(below_.open_root(path), ".");
  }
  Result<Fd> open_directory(const Fd& at, const std::string& path) override {
    if (int code = note({Op::kOpenDirectory, join(at, path)})) return failure(code, path);
    return known(below_.open_directory(at, path), join(at, path));
  }
  // Calls that only root makes; the spool never makes them.
  Status make_directory_of(const Fd& at, const std::string& name, uid_t uid, gid_t gid,
                           mode_t mode) override {
    return below_.make_directory_of(at, name, uid, gid, mode);
  }
  Status let_pass(const Fd& directory) override { return below_.let_pass(directory); }
  Status make_directory(const Fd& at, const std::string& name, mode_t mode) override {
    if (int code = note({Op::kMakeDirectory, join(at, name)})) return failure(code, name);
    return done(below_.make_directory(at, name, mode));
  }
  Result<Fd> create(const Fd& at, const std::string& name, mode_t mode) override {
    if (int code = note({Op::kCreate, join(at, name)})) return failure(code, name);
    return known(below_.create(at, name, mode), join(at, name));
  }
  Result<Fd> open_file(const Fd& at, const std::string& name) override {
    if (int code = note({Op::kOpenFile, join(at, name)})) return failure(code, name);
    return known(below_.open_file(at, name), join(at, name));
  }
  Result<Fd> open_to_append(const Fd& at, const std::string& name) override {
    if (int code = note({Op::kAppend, join(at, name)})) return failure(code, name);
    return known(below_.open_to_append(at, name), join(at, name));
  }
  Result<Fd> open_to_overwrite(const Fd& at, const std::string& name) override {
    if (int code = note({Op::kOverwrite, join(at, name)})) return failure(code, name);
    return known(below_.open_to_overwrite(at, name), join(at, name));
  }
  Status write(const Fd& file, std::string_view octets) override {
    if (int code = note({Op::kWrite, path_of(file), "", std::string(octets)})) {
      static_cast<void>(below_.write(file, octets.substr(0, octets.size() / 2)).ok());
      return failure(code, {});
    }
    return done(below_.write(file, octets));
  }
  Status start_writing(const Fd& file, std::uint64_t offset, std::uint64_t size) override {
    if (int code = note({Op::kStartWriting, path_of(file)})) return failure(code, {});
    return done(below_.start_writing(file, offset, size));
  }
  Result<std::size_t> read_at(const Fd& file, std::uint64_t offset, char* buffer,
                              std::size_t size) override {
    if (int code = note({Op::kRead, path_of(file)})) return failure(code, {});
    return done(below_.read_at(file, offset, buffer, size));
  }
  Status sync_data(const Fd& file) override {
    if (int code = note({Op::kSyncData, path_of(file)})) return failure(code, {});
    return done(below_.sync_data(file));
  }
  Status sync_file(const Fd& file) override {
    if (int code = note({Op::kSyncFile, path_of(file)})) return failure(code, {});
    return done(below_.sync_file(file));
  }
  Status write_out(const Fd& file) override {
    if (int code = note({Op::kWriteOut, path_of(file)})) return failure(code, {});
    return done(below_.write_out(file));
  }
  Status sync_directory(const Fd& directory) override {
    if (int code = note({Op::kSyncDirectory, path_of(directory)})) return failure(code, {});
    return done(below_.sync_directory(directory));
  }
  Status close(Fd file) override {
    int code = note({Op::kClose, path_of(file)});
    auto closed = below_.close(std::move(file));
    return code != 0 ? Status(failure(code, {})) : done(std::move(closed));
  }
  Status link(const Fd& at, const std::string& name, const Fd& to,
              const std::string& new_name) override {
    if (int code = note({Op::kLink, join(at, name), join(to, new_name)})) {
      return failure(code, new_name);
    }
    return done(below_.link(at, name, to, new_name));
  }
  Status rename(const Fd& at, const std::string& name, const Fd& to,
                const std::string& new_name) override {
    if (int code = note({Op::kRename, join(at, name), join(to, new_name)})) {
      return failure(code, new_name);
    }
    return done(below_.rename(at, name, to, new_name));
  }
  Status unlink(const Fd& at, const std::string& name) override {
    if (int code = note({Op::kUnlink, join(at, name)})) return failure(code, name);
    return done(below_.unlink(at, name));
  }
  Status remove_directory(const Fd& at, const std::string& name) override {
    if (int code = note({Op::kRemoveDirectory, join(at, name)})) return failure(code, name);
    return done(below_.remove_directory(at, name));
  }
  Result<handoff::sys::FileInfo> info(const Fd& file) override {
    if (int code = note({Op::kInfo, path_of(file)})) return failure(code, {});
    auto info = done(below_.info(file));
    if (info && hide_birth) info.value().born.reset();
    return info;
  }
  Result<handoff::sys::FileInfo> info_at(const Fd& at, const std::string& name) override {
    if (int code = note({Op::kInfo, join(at, name)})) return failure(code, name);
    return done(below_.info_at(at, name));
  }
  Result<std::vector<std::string>> list(const Fd& directory) override {
    if (int code = note({Op::kList, path_of(directory)})) return failure(code, {});
    if (hidden == path_of(directory)) return std::vector<std::string>();
    return done(below_.list(directory));
  }
  Result<handoff::sys::Space> space(const Fd& file) override {
    if (int code = note({Op::kSpace, path_of(file)})) return failure(code, {});
    return done(below_.space(file));
  }
  bool is_shared(const Fd&) override {
    ++asked_shared;
    return shared;
  }
  handoff::sys::FileSync file_sync(const Fd&) override { return sync; }

 private:
  static handoff::Error failure(int code, const std::string& path) {
    return {code, "injected fault", path};
  }

  int note(Call call) {
    call.failed = fault ? fault(call) : 0;
    calls.push_back(std::move(call));
    return calls.back().failed;
  }
  // A call that fails in the wrapped object has failed, too.
  template <class T>
  Result<T> done(Result<T> result) {
    if (!result) calls.back().failed = result.error().code;
    return result;
  }
  Result<Fd> known(Result<Fd> opened, const std::string& path) {
    if (opened) {
      paths_[opened.value().get()] = path;
    } else {
      calls.back().failed = opened.error().code;
    }
    return opened;
  }

  // The record of a descriptor number is overwritten when the number is reused.
  std::string path_of(const Fd& fd) const {
    auto found = paths_.find(fd.get());
    return found == paths_.end() ? "?" : found->second;
  }
  std::string join(const Fd& at, const std::string& name) const {
    auto base = path_of(at);
    return base == "." ? name : base + "/" + name;
  }

  handoff::sys::Files& below_;
  std::map<int, std::string> paths_;
};
