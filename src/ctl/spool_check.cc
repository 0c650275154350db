#include "ctl/spool_check.hh"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "ctl/disk_check.hh"
#include "spool/name.hh"
#include "spool/room.hh"
#include "sys/clock.hh"
#include "sys/process.hh"

namespace handoff::ctl {
namespace {

// A disk that takes longer than this for one small message will make a queue wait.
constexpr std::chrono::milliseconds kSlow{1000};
constexpr std::size_t kProbe = 4096;  // octets
constexpr mode_t kWorldWritable = 0002;
constexpr char kLetUserWrite[] = "let user write to spool.path, and to all below it";

std::string megabytes(std::uint64_t octets) { return std::to_string(octets >> 20) + " MB"; }

std::string milliseconds(sys::Steady::duration time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms",
                std::chrono::duration<double, std::milli>(time).count());
  return text;
}

void check_directory(const std::string& path, const sys::FileInfo& info,
                     const std::optional<sys::Account>& user, Report& report) {
  if (user && info.owner != user->uid) {
    report.problem("spool " + path + ": belongs to uid " + std::to_string(info.owner) +
                       ", user is " + user->name,
                   "chown " + user->name + " " + path);
  } else if ((info.mode & kWorldWritable) != 0) {
    report.problem("spool " + path + ": anybody can write to it", "chmod o-w " + path);
  } else {
    report.ok("spool " + path + ": is there, with owner and mode as they should be");
  }
}

void check_space(const conf::Config& config, const sys::Space& space, Report& report) {
  std::string what =
      "spool " + config.spool.path + ": " + megabytes(space.free_octets) + " and " +
      (space.total_inodes == 0 ? "any number of" : std::to_string(space.free_inodes)) +
      " inodes free";
  if (space.free_octets < config.session.max_message_size) {
    report.problem(what + ", less than one message may take",
                   "make room, or lower session.max-message-size");
  } else if (!spool::has_room(space, {config.spool.min_free, {}}, {})) {
    report.problem(what + ", less than spool.min-free", "make room: mail is put off");
  } else if (!spool::has_room(space, {{}, config.spool.min_free_inodes}, {0, 1})) {
    report.problem(what + ", less than spool.min-free-inodes",
                   "remove small files, or make a filesystem with more inodes: mail is put off");
  } else {
    report.ok(what);
  }
}

// One step of the probe, with its time.
class Probe {
 public:
  template <class Step>
  bool run(const char* name, Step step) {
    if (error_) return false;
    auto begin = sys::Steady::now();
    Status status = step();
    auto time = sys::Steady::now() - begin;
    total_ += time;
    times_ += (times_.empty() ? "" : ", ") + std::string(name) + " " + milliseconds(time);
    if (!status) error_ = status.error();
    return status.ok();
  }
  const std::optional<Error>& error() const { return error_; }
  const std::string& times() const { return times_; }
  sys::Steady::duration total() const { return total_; }

 private:
  std::optional<Error> error_;
  std::string times_;
  sys::Steady::duration total_{};
};

// SPOOL/.handoff/staging; made where the server, which makes it, was never started.
Result<sys::Fd> open_staging(sys::Files& files, const sys::Fd& root) {
  auto staging = files.open_directory(root, ".handoff/staging");
  if (staging || staging.error().code != ENOENT) return staging;
  auto made = files.make_directory(root, ".handoff", 0700);
  if (!made && made.error().code != EEXIST) return made.error();
  auto own = files.open_directory(root, ".handoff");
  if (!own) return own.error();
  made = files.make_directory(own.value(), "staging", 0700);
  if (!made && made.error().code != EEXIST) return made.error();
  return files.open_directory(root, ".handoff/staging");
}

void probe(sys::Files& files, const std::string& spool, const sys::Fd& root, Report& report) {
  std::string path = spool + "/.handoff/staging";
  auto staging = open_staging(files, root);
  if (!staging) {
    report.problem("probe in " + path + ": " + staging.error().describe(), kLetUserWrite);
    return;
  }
  // Names like a message's: should the probe die, the sweep knows what to do with them.
  spool::NameMaker names(sys::host_name());
  auto from = names.next(), to = names.next();
  Probe steps;
  sys::Fd file;
  steps.run("create", [&]() -> Status {
    auto created = files.create(staging.value(), from, 0600);
    if (!created) return created.error();
    file = std::move(created).value();
    return {};
  });
  steps.run("write", [&] { return files.write(file, std::string(kProbe, 'x')); });
  steps.run("sync", [&] { return files.sync_data(file); });
  steps.run("close", [&] { return files.close(std::move(file)); });
  if (steps.run("rename",
                [&] { return files.rename(staging.value(), from, staging.value(), to); })) {
    std::swap(from, to);
  }
  bool linked =
      steps.run("link", [&] { return files.link(staging.value(), from, staging.value(), to); });
  steps.run("sync directory", [&] { return files.sync_directory(staging.value()); });
  // What was never made cannot be removed, which is as well.
  (void)files.unlink(staging.value(), from).ok();
  if (linked) (void)files.unlink(staging.value(), to).ok();

  if (steps.error()) {
    bool rights = steps.error()->code == EACCES || steps.error()->code == EPERM;
    report.problem(
        "probe in " + path + ": " + steps.error()->describe(),
        rights ? kLetUserWrite : "every delivery meets this: look at the filesystem and its quota");
  } else if (steps.total() > kSlow) {
    report.problem("probe in " + path + ": slow (" + steps.times() + ")",
                   "every message takes this long: look at the disk");
  } else {
    report.ok("probe in " + path + ": " + steps.times());
  }
  if (!steps.error()) check_sync(files, path, staging.value(), report);
}

// Goes down to the folders of mailboxes, of as many as can be looked at in a moment.
class Devices {
 public:
  Devices(sys::Files& files, std::uint64_t device) : files_(files), device_(device) {}

  // The first folder that is on another device, by its path from the top; nothing where none is.
  std::optional<std::string> other(const sys::Fd& directory, const std::string& path = {},
                                   int depth = 0) {
    auto names = files_.list(directory);
    if (!names) return {};
    for (const auto& name : names.value()) {
      auto below = path.empty() ? name : path + "/" + name;
      auto info = files_.info_at(directory, name);
      if (!info || !info.value().is_directory) continue;
      if (info.value().device != device_) return below;
      // Messages are in there, and nothing else.
      if (name == "cur" || name == "new" || name == "tmp") continue;
      if (depth == kDepth || ++seen_ > kFolders) continue;
      auto folder = files_.open_directory(directory, name);
      if (!folder) continue;
      if (auto found = other(folder.value(), below, depth + 1)) return found;
    }
    return {};
  }

 private:
  static constexpr int kDepth = 8;
  static constexpr unsigned kFolders = 5000;

  sys::Files& files_;
  std::uint64_t device_;
  unsigned seen_ = 0;
};

}  // namespace

void check_filesystem(sys::Files& files, const std::string& path, const sys::Fd& root,
                      std::uint64_t device, Report& report) {
  auto names = files.list(root);
  if (!names) {
    report.problem("spool " + path + ": " + names.error().describe(), "let user read it");
    return;
  }
  if (auto other = Devices(files, device).other(root)) {
    report.problem("spool " + path + ": " + *other + " lies on another filesystem",
                   "mount one filesystem at spool.path, with everything below on it");
    return;
  }
  report.ok("spool " + path + ": all of it lies on one filesystem");
}

void check_spool(sys::Files& files, const conf::Config& config,
                 const std::optional<sys::Account>& user, Report& report) {
  const auto& path = config.spool.path;
  auto root = files.open_root(path);
  if (!root) {
    auto error = root.error();
    error.path = path;
    bool missing = error.code == ENOENT;
    auto owner = user ? user->name : std::string("USER");
    report.problem("spool: " + error.describe(),
                   missing ? "install -d -m 700 -o " + owner + " " + path
                           : "spool.path must be a directory that user can read");
    return;
  }
  auto info = files.info(root.value());
  auto space = files.space(root.value());
  if (!info || !space) {
    auto error = info ? space.error() : info.error();
    report.problem("spool " + path + ": " + error.describe(), "look at the filesystem");
    return;
  }
  check_directory(path, info.value(), user, report);
  check_space(config, space.value(), report);
  check_filesystem(files, path, root.value(), info.value().device, report);
  probe(files, path, root.value(), report);
  check_mailboxes(files, path, root.value(), report);
}

}  // namespace handoff::ctl
