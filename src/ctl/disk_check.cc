#include "ctl/disk_check.hh"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "spool/name.hh"
#include "sys/clock.hh"
#include "sys/process.hh"

namespace handoff::ctl {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr int kTimes = 9;
constexpr std::size_t kOctets = 4096;
// A disk of 15,000 turns a minute takes 4 ms for one; a quarter is luck.
constexpr microseconds kArm{1000};
// The flash of the fastest devices, with capacitors behind their memory, answers in 10 us and more;
// a system call into a filesystem comes on top.
constexpr microseconds kFlash{10};
constexpr unsigned kMailboxes = 1000;
constexpr int kDepth = 8;

std::string text(nanoseconds time) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3f ms", static_cast<double>(time.count()) / 1e6);
  return out;
}

Result<nanoseconds> median_sync(sys::Files& files, const sys::Fd& staging) {
  spool::NameMaker names(sys::host_name());
  auto name = names.next();
  auto file = files.create(staging, name, 0600);
  if (!file) return file.error();
  std::vector<nanoseconds> times;
  Status status;
  for (int i = 0; i < kTimes && status; ++i) {
    status = files.write(file.value(), std::string(kOctets, 'x'));
    auto begin = sys::Steady::now();
    if (status) status = files.sync_data(file.value());
    times.push_back(sys::Steady::now() - begin);
  }
  (void)files.unlink(staging, name).ok();
  if (!status) return status.error();
  std::ranges::nth_element(times, times.begin() + kTimes / 2);
  return times[kTimes / 2];
}

class Mailboxes {
 public:
  Mailboxes(sys::Files& files) : files_(files) {}

  void look(const sys::Fd& directory, const std::string& path, int depth) {
    auto names = files_.list(directory);
    if (!names || seen_ >= kMailboxes) return;
    auto has = [&](const char* name) {
      return std::ranges::find(names.value(), name) != names.value().end();
    };
    if (has("tmp") && has("new")) {
      ++seen_;
      auto tmp = files_.info_at(directory, "tmp");
      auto fresh = files_.info_at(directory, "new");
      if (tmp && fresh && tmp.value().device != fresh.value().device && apart_.empty()) {
        apart_ = path;
      }
      return;
    }
    for (const auto& name : names.value()) {
      if (depth == kDepth || name.starts_with('.')) continue;
      auto below = files_.open_directory(directory, name);
      if (below) look(below.value(), path + "/" + name, depth + 1);
    }
  }

  unsigned seen() const { return seen_; }
  const std::string& apart() const { return apart_; }

 private:
  sys::Files& files_;
  unsigned seen_ = 0;
  std::string apart_;
};

}  // namespace

std::string disbelief(const sys::Device& device, nanoseconds sync) {
  if (device.memory) return "it is memory, and mail on it does not outlive the machine";
  if (device.rotational.value_or(false) && sync < kArm) {
    return "faster than a disk can turn: a cache without a battery loses what it acknowledged";
  }
  if (sync < kFlash) return "faster than any device: it does not wait for the disk";
  return {};
}

void check_sync(sys::Files& files, const std::string& path, const sys::Fd& staging,
                Report& report) {
  auto median = median_sync(files, staging);
  if (!median) {
    report.problem("sync in " + path + ": " + median.error().describe(),
                   "every delivery meets this: look at the filesystem and its quota");
    return;
  }
  auto what = "sync in " + path + ": " + text(median.value());
  auto doubt = disbelief(sys::device_of(staging), median.value());
  if (doubt.empty()) {
    report.ok(what + ", which a disk may take");
  } else {
    report.warning(what + ", " + doubt,
                   "put the spool on a disk that keeps what it says it has; look for nobarrier, a "
                   "write cache, a virtual disk that ignores flushes");
  }
}

void check_mailboxes(sys::Files& files, const std::string& path, const sys::Fd& root,
                     Report& report) {
  Mailboxes mailboxes(files);
  mailboxes.look(root, path, 0);
  if (!mailboxes.apart().empty()) {
    report.problem(mailboxes.apart() + ": tmp/ and new/ lie on different filesystems",
                   "unmount one of the two: a message gets its name in new/ by a link from tmp/");
  } else if (mailboxes.seen() > 0) {
    report.ok("mailboxes: tmp/ and new/ lie on one filesystem in each of the " +
              std::to_string(mailboxes.seen()) + " looked at");
  }
}

}  // namespace handoff::ctl
