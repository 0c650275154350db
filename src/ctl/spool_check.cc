#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/quantity.hh"
#include "base/text.hh"
#include "ctl/checks.hh"
#include "ctl/control_client.hh"
#include "spool/room.hh"
#include "sys/clock.hh"
#include "sys/process.hh"

namespace handoff::ctl {
namespace {

using std::chrono::nanoseconds;

// If one small message takes longer than this, the queue will grow.
constexpr std::chrono::seconds kSlow{1};
constexpr int kSyncs = 9;             // number of syncs whose median is taken
constexpr std::size_t kProbe = 4096;  // octets
// The fastest flash, with its memory backed by capacitors, needs 10 us or more, plus the time of a
// system call.
constexpr std::chrono::microseconds kFlash{10};
constexpr mode_t kWorldWritable = 0002;
constexpr char kLetUserWrite[] = "let user write to spool.path and everything below it";
constexpr char kCheckFilesystem[] =
    "every delivery fails like this: check the filesystem and quota";

std::string text(nanoseconds time) { return latency_text(static_cast<double>(time.count()) / 1e3); }

void check_directory(const std::string& path, const sys::FileInfo& info,
                     const std::optional<sys::Account>& user, Report& report) {
  if (user && info.owner != user->uid) {
    report.problem("spool " + path + ": belongs to uid " + std::to_string(info.owner) +
                       ", user is " + user->name,
                   "chown " + user->name + " " + path);
  } else if ((info.mode & kWorldWritable) != 0) {
    report.problem("spool " + path + ": anybody can write to it", "chmod o-w " + path);
  } else {
    report.ok("spool " + path + ": owner and mode are correct");
  }
}

void check_space(const conf::Config& config, const sys::Space& space, Report& report) {
  std::string what =
      "spool " + config.spool.path + ": " + octets_text(static_cast<double>(space.free_octets)) +
      " and " + (space.total_inodes == 0 ? "any number of" : std::to_string(space.free_inodes)) +
      " inodes free";
  if (space.free_octets < config.session.max_message_size) {
    report.problem(what + ", less than one message may take",
                   "free space, or lower session.max-message-size");
  } else if (!spool::has_room(space, {config.spool.min_free, {}}, {})) {
    report.problem(what + ", less than spool.min-free", "free space: mail is deferred until then");
  } else if (!spool::has_room(space, {{}, config.spool.min_free_inodes}, {0, 1})) {
    report.problem(what + ", less than spool.min-free-inodes",
                   "remove small files, or use a filesystem with more inodes: mail is deferred");
  } else {
    report.ok(what);
  }
}

// Runs the steps of the probe, until one fails, and records the time of each.
class Steps {
 public:
  template <class Step>
  bool run(const char* name, Step step) {
    if (error_) return false;
    auto begin = sys::Steady::now();
    Status status = step();
    auto time = sys::Steady::now() - begin;
    total_ += time;
    times_ += (times_.empty() ? "" : ", ") + std::string(name) + " " + text(time);
    if (!status) error_ = status.error();
    return status.ok();
  }
  const std::optional<Error>& error() const { return error_; }
  const std::string& times() const { return times_; }
  nanoseconds total() const { return total_; }

 private:
  std::optional<Error> error_;
  std::string times_;
  nanoseconds total_{};
};

// Opens SPOOL/.handoff/staging. Creates it if it is missing because the server was never started.
Result<sys::Fd> open_staging(sys::Files& files, const sys::Fd& root) {
  auto directory = files.open_directory(root, ".handoff/staging");
  if (directory || directory.error().code != ENOENT) return directory;
  directory = sys::duplicate(root);
  for (const char* name : {".handoff", "staging"}) {
    auto made = files.make_directory(directory.value(), name, 0700);
    if (!made && made.error().code != EEXIST) return made.error();
    directory = files.open_directory(directory.value(), name);
    if (!directory) break;
  }
  return directory;
}

// Returns the median time of some syncs of 4 KiB each.
Result<nanoseconds> time_sync(sys::Files& files, const sys::Fd& file) {
  std::vector<nanoseconds> times;
  for (int i = 0; i < kSyncs; ++i) {
    auto status = files.write(file, std::string(kProbe, 'x'));
    auto begin = sys::Steady::now();
    if (status) status = files.sync_data(file);
    if (!status) return status.error();
    times.push_back(sys::Steady::now() - begin);
  }
  std::ranges::nth_element(times, times.begin() + kSyncs / 2);
  return times[kSyncs / 2];
}

void probe(sys::Files& files, const std::string& spool, const sys::Fd& root, Report& report) {
  std::string path = spool + "/.handoff/staging";
  auto staging = open_staging(files, root);
  if (!staging) {
    report.problem("probe in " + path + ": " + staging.error().describe(), kLetUserWrite);
    return;
  }
  // Names without a process id, unlike a message's: a sweep, which would consider this process
  // dead, keeps them until they are old.
  auto from = "doctor." + std::to_string(sys::random_number());
  auto to = from + ".renamed";
  Steps steps;
  sys::Fd file;
  nanoseconds sync{};
  steps.run("create", [&]() -> Status {
    auto created = files.create(staging.value(), from, 0600);
    if (!created) return created.error();
    file = std::move(created).value();
    return {};
  });
  steps.run("write", [&] { return files.write(file, std::string(kProbe, 'x')); });
  steps.run("sync", [&] { return files.sync_data(file); });
  if (!steps.error()) {
    auto timed = time_sync(files, file);
    if (timed) sync = timed.value();
  }
  steps.run("close", [&] { return files.close(std::move(file)); });
  if (steps.run("rename",
                [&] { return files.rename(staging.value(), from, staging.value(), to); })) {
    std::swap(from, to);
  }
  bool linked =
      steps.run("link", [&] { return files.link(staging.value(), from, staging.value(), to); });
  steps.run("sync directory", [&] { return files.sync_directory(staging.value()); });
  (void)files.unlink(staging.value(), from).ok();  // fails if the file was never created
  if (linked) (void)files.unlink(staging.value(), to).ok();

  if (steps.error()) {
    bool rights = steps.error()->code == EACCES || steps.error()->code == EPERM;
    report.problem("probe in " + path + ": " + steps.error()->describe(),
                   rights ? kLetUserWrite : kCheckFilesystem);
    return;
  }
  auto what = "probe in " + path + ": ";
  if (steps.total() > kSlow) {
    report.problem(what + "slow (" + steps.times() + ")",
                   "every message takes this long: check the disk");
  } else {
    report.ok(what + steps.times());
  }
  auto doubt = sync_doubt(sys::device_of(staging.value()), sync);
  what = "sync in " + path + ": " + text(sync);
  if (doubt.empty()) {
    report.ok(what + ", plausible for a disk");
  } else {
    report.warning(what + ", " + doubt,
                   "use a disk and mount options that keep what was acknowledged; on a virtual "
                   "machine, check that the host does not ignore flushes");
  }
}

}  // namespace

std::string sync_doubt(const sys::Device& device, nanoseconds sync) {
  if (device.memory) return "the spool is in memory: mail is lost when the machine stops";
  if (!device.unsafe_option.empty()) {
    return "mounted with " + device.unsafe_option + ": a power failure loses acknowledged mail";
  }
  if (sync < kFlash) return "faster than any device: sync does not wait for the disk";
  return {};
}

// Call after check_socket(): the worker that accepts that connection checks the spool's place
// first.
void check_spool_changes(const conf::Config& config, Report& report) {
  constexpr std::string_view kKey = "\"spool_changes\":";
  auto answer = ask_master(config.control_socket, "GET", "/status.json", std::chrono::seconds(5));
  if (!answer) return;
  std::string_view status = answer.value().body;
  auto at = status.find(kKey);
  if (at == status.npos) return;
  auto number = trim(status.substr(at + kKey.size()));
  auto changes = parse_number(number.substr(0, number.find_first_not_of("0123456789")));
  if (changes.value_or(0) == 0) return;
  report.warning(
      "spool " + config.spool.path + ": " +
          (*changes == 1 ? "once" : std::to_string(*changes) + " times") +
          " since its start the server found another directory here, or no .handoff",
      "look for earlier mail in the previous directory: below the mount point, or where it was "
      "moved to (doc/operations.md, Move the spool)");
}

void check_tried_spool(sys::Files& files, const conf::Config& config, Report& report) {
  const auto& path = config.spool.path;
  auto root = files.open_root(path);
  auto info = root ? files.info(root.value()) : root.error();
  if (!info) return;  // the trial has already reported the cause
  if ((info.value().mode & kWorldWritable) != 0) {
    report.problem("spool " + path + ": anybody can write to it", "chmod o-w " + path);
  }
  if (auto space = files.space(root.value())) check_space(config, space.value(), report);
  check_filesystem(files, config, root.value(), report);
  check_mailboxes(files, config, root.value(), info.value().device, false, report);
}

void check_spool(sys::Files& files, const conf::Config& config,
                 const std::optional<sys::Account>& user, Report& report) {
  const auto& path = config.spool.path;
  auto root = files.open_root(path);
  if (!root) {
    auto owner = user ? user->name : std::string("USER");
    report.problem("spool: " + Error{root.error().code, root.error().what, path}.describe(),
                   root.error().code == ENOENT
                       ? "install -d -m 700 -o " + owner + " " + path
                       : "spool.path must be a directory that user can read");
    return;
  }
  auto info = files.info(root.value());
  auto space = files.space(root.value());
  if (!info || !space) {
    report.problem("spool " + path + ": " + (info ? space.error() : info.error()).describe(),
                   "check the filesystem");
    return;
  }
  if (auto mount = sys::missing_mount(path); !mount.empty()) {
    report.problem(
        "spool " + path + ": nothing is mounted at " + mount + ", which is in /etc/fstab",
        "mount " + mount);
  }
  check_directory(path, info.value(), user, report);
  check_space(config, space.value(), report);
  check_filesystem(files, config, root.value(), report);
  check_mailboxes(files, config, root.value(), info.value().device, true, report);
  probe(files, path, root.value(), report);
}

}  // namespace handoff::ctl
