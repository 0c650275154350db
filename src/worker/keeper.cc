#include "worker/keeper.hh"

#include <sysexits.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "spool/lease.hh"
#include "spool/own_directory.hh"
#include "spool/waiting.hh"
#include "sys/confinement.hh"
#include "sys/files.hh"
#include "sys/host.hh"
#include "sys/host_claim.hh"
#include "sys/process.hh"
#include "sys/sandbox.hh"
#include "sys/signals.hh"
#include "sys/stream.hh"
#include "sys/title.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

using spool::Lease;

constexpr std::chrono::milliseconds kLookEveryMoment{500};
// After this many looks in a row that did not show which host has the spool, this is logged.
constexpr unsigned kUnclear = 30;
constexpr char kOwn[] = ".handoff";

class Keeper {
 public:
  Keeper(const conf::Config& config, const sys::Log& log, const sys::Fd& life, const sys::Fd& to)
      : config_(config), log_(log), life_(life), to_(to) {}

  int run() {
    auto root = files_.open_root(config_.spool.path);
    bool shared = root && files_.is_shared(root.value());
    // The workers report a missing spool.
    if (root && !shared && config_.cluster.empty()) return free();
    // If root may not open the spool, the spool may be on a network filesystem.
    if (!root && root.error().code != EACCES && root.error().code != EPERM) return free();
    auto made = make_run_directory();
    if (!made && (shared || !root)) return refuse(made.error().describe());
    if (auto dropped = drop_privileges(config_); !dropped) {
      return refuse(dropped.error().describe());
    }
    if (!root) {
      root = files_.open_root(config_.spool.path);
      if (!root) return free();
      shared = files_.is_shared(root.value());
      if (!shared && config_.cluster.empty()) return free();
    }
    auto own = spool::open_or_make(files_, root.value(), kOwn);
    if (!own) return refuse(own.error().describe());
    own_ = std::move(own).value();
    host_ = sys::this_host();
    if (shared) {
      if (auto opened = open_run_directory(); !opened) return refuse(opened.error().describe());
    }
    if (auto done = sys::confine("keeper", needs(), {}, log_); !done)
      return refuse(done.error().describe());
    return shared ? keep_lease() : keep_claim();
  }

 private:
  int free() {
    sys::put(to_, "free\n");
    return EX_OK;
  }
  int refuse(const std::string& why) {
    sys::put(to_, "refused " + why + "\n");
    return EX_CONFIG;
  }
  int refuse_host(const std::string& host) {
    return refuse("the spool " + config_.spool.path + " is in use by the host " + host +
                  (config_.cluster.empty()
                       ? "; to let this host wait for it, set cluster.name on both"
                       : ", which has not the same cluster.name"));
  }
  void wait_for_host(const std::string& host) {
    if (std::exchange(awaited_, host) == host) return;
    waiting_.reset();
    auto run = files_.open_root(config_.run_directory());
    if (run) waiting_.emplace(files_, std::move(run).value(), host);
    sys::put(to_, "waits " + host + "\n");
  }
  void hold() {
    waiting_.reset();
    sys::put(to_, "held\n");
  }
  // Waits. Returns the exit code if this process has to end.
  std::optional<int> pause(std::chrono::milliseconds time) {
    std::array<pollfd, 1> fds{{{life_.get(), POLLIN, 0}}};
    auto waited = sys::wait_for(fds, sys::Steady::now() + time, true);
    if (waited == sys::Waited::kStop) return EX_OK;
    if (waited == sys::Waited::kReady) return EX_TEMPFAIL;
    return std::nullopt;
  }

  // Called while this process is root: creates a directory that belongs to the user.
  Status make_run_directory() {
    auto path = config_.run_directory();
    auto slash = path.rfind('/');
    auto above = files_.open_root(slash == 0 ? "/" : path.substr(0, slash));
    if (!above) return above.error();
    auto name = path.substr(slash + 1);
    Status made;
    if (sys::is_root() && !config_.user.empty()) {
      auto account = config_.account();
      if (!account) return account.error();
      made = files_.make_directory_of(above.value(), name, account.value().uid, account.value().gid,
                                      0700);
    } else {
      made = files_.make_directory(above.value(), name, 0700);
    }
    return !made && made.error().code == EEXIST ? Status() : made;
  }

  Status open_run_directory() {
    auto run = files_.open_root(config_.run_directory());
    if (!run) return run.error();
    if (files_.is_shared(run.value())) {
      return explained(
          EINVAL, config_.run_directory() +
                      ": the directory of control.socket must be on a filesystem of this host");
    }
    run_ = std::move(run).value();
    return {};
  }

  // The keeper reads files in the spool that other hosts write, so it is confined.
  sys::Needs needs() const {
    sys::Needs out;
    out.folders = {config_.spool.path, config_.run_directory()};
    out.syslog = config_.log.to == conf::LogTo::kSyslog;
    return out;
  }

  // For a filesystem of this host, which several hosts may share if they are containers.
  int keep_claim() {
    for (;;) {
      auto claimed = sys::HostClaim::take(own_, "host", host_);
      if (claimed) {
        hold();
        for (;;) {
          if (auto end = pause(std::chrono::hours(1))) return *end;
        }
      }
      wait_for_host(claimed.error().path);
      if (auto end = pause(kLookEveryMoment)) return *end;
    }
  }

  int keep_lease() {
    auto id = spool::server_id(files_, run_, server_file_);
    if (!id) return refuse(id.error().describe());
    spool::Server self{host_, config_.cluster, id.value()};
    while (!sys::claim(server_file_)) {
      if (config_.cluster.empty()) {
        return refuse("the spool " + config_.spool.path +
                      " is in use by another server of this "
                      "host, " +
                      self.host.name);
      }
      wait_for_host(self.host.name);
      if (auto end = pause(kLookEveryMoment)) return *end;
    }
    auto opened = Lease::open(files_, own_);
    if (!opened) return refuse(opened.error().describe());
    auto& lease = opened.value();
    if (auto end = get(lease, self)) return *end;
    hold();
    return keep(lease);
  }

  // Blocks until this host has the spool, and then returns nothing. Otherwise returns the exit
  // code.
  std::optional<int> get(Lease& lease, const spool::Server& self) {
    std::optional<Lease::Holder> last;
    sys::Steady::time_point changed, looked;
    unsigned unclear = 0;
    std::string unseen;    // the cause that was logged
    std::string obstacle;  // likewise
    for (;;) {
      auto holder = lease.holder();
      auto now = sys::Steady::now();
      // If the filesystem hung, or this process was stopped, the other host is not known to be
      // lost.
      if (now - looked > spool::kLost / 3) changed = now;
      looked = now;
      if (holder) {
        unclear = 0;
        unseen.clear();
        const auto& of = holder.value();
        bool moved = !last || last->token != of.token || last->beats != of.beats;
        bool lives = last && moved;
        if (moved) changed = now;
        // The keeper that had the lease no longer holds the lock, so it was killed.
        bool ours = of.is(self);
        bool lost = !of.nobody && now - changed >= spool::kLost;
        if (of.nobody || ours || lost) {
          auto taken = lease.take(of, self);
          if (taken) {
            took(of, taken.value());
            return std::nullopt;
          }
          auto cause = taken.error().describe();
          if (std::exchange(obstacle, cause) != cause) {
            log_.warning("cannot take the spool yet", {{"cause", cause}});
          }
        } else if (lives && (config_.cluster.empty() || of.server.cluster != config_.cluster)) {
          return refuse_host(of.host());
        } else {
          wait_for_host(of.host());
        }
        last = std::move(holder).value();
      } else if (holder.error().code != EAGAIN || ++unclear == kUnclear) {
        // The other host cannot write its number either.
        if (holder.error().code != EAGAIN) changed = now;
        auto cause = holder.error().describe();
        if (std::exchange(unseen, cause) != cause) {
          log_.warning("cannot see who has the spool", {{"cause", cause}});
        }
      }
      if (auto end = pause(kLookEveryMoment)) return end;
    }
  }

  void took(const Lease::Holder& from, std::size_t messages) {
    if (from.nobody) return;
    log_.warning("took the spool over", {{"from", from.host()}, {"messages", messages}});
  }

  int keep(Lease& lease) {
    std::string last;  // the failure that was logged
    for (;;) {
      if (auto end = pause(spool::kBeatEvery)) {
        if (*end == EX_OK) static_cast<void>(lease.release().ok());
        return *end;
      }
      auto beat = lease.beat();
      auto cause = beat ? std::string() : beat.error().describe();
      if (!beat && cause != last) log_.error("cannot keep the spool", {{"cause", cause}});
      if (!beat && beat.error().reason == Reason::kSpoolInUse) return EX_TEMPFAIL;
      last = cause;
    }
  }

  const conf::Config& config_;
  const sys::Log& log_;
  const sys::Fd& life_;
  const sys::Fd& to_;
  sys::Files files_;
  sys::Host host_;
  sys::Fd own_;          // SPOOL/.handoff
  sys::Fd run_;          // the run directory, if the filesystem of the spool is shared
  sys::Fd server_file_;  // locked
  std::string awaited_;
  std::optional<spool::Waiting> waiting_;
};

}  // namespace

int keep_spool(const conf::Config& config, const sys::Log& log, const sys::Fd& life,
               const sys::Fd& to) {
  sys::set_title("keeper");
  sys::keep_only(std::array{&life, &to});
  sys::catch_stop_signal();
  return Keeper(config, log, life, to).run();
}

}  // namespace handoff::worker
