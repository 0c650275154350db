// The part of the master that gets the spool for this host before anything else starts, and ends
// the server if another host takes it.
#include <signal.h>
#include <sysexits.h>

#include <array>
#include <utility>

#include "base/text.hh"
#include "master/state.hh"
#include "sys/process.hh"
#include "sys/signals.hh"
#include "sys/stream.hh"
#include "worker/keeper.hh"

namespace handoff::master {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookAgain{1000};
// How long the keeper may take to release the spool: the filesystem may hang.
constexpr milliseconds kKeeperEnd{5000};
constexpr std::size_t kMaxAnswer = 4096;  // octets

}  // namespace

// Blocks until the spool is this host's; with cluster.name this may take any time. Returns the exit
// code if the server must not start.
std::optional<int> Master::take_spool() {
  auto cannot = [&](const std::string& cause, int exit_code) {
    log_->error("cannot start", {{"cause", cause}});
    return exit_code;
  };
  auto pipe = sys::open_pipe();
  if (!pipe) return cannot(pipe.error().describe(), EX_OSERR);
  auto pid = children_.start(
      [&] {
        if (start_.background) start_.background->detach();
        forget_secrets();
        forget_key_and_board();
        return worker::keep_spool(config(), *log_, life_.read, pipe.value().write);
      },
      [this](int) { keeper_ended(); });
  if (!pid) return cannot(pid.error().describe(), EX_OSERR);
  pipe.value().write.reset();
  // A process with the id 1, as in a container, ignores signals that it does not catch.
  sys::catch_stop_signal();
  sys::stop_on_interrupt();
  ::signal(SIGUSR2, SIG_IGN);  // requests an upgrade, which is not possible yet
  std::string answer;
  await_spool(pipe.value().read, answer);
  bool stopped = sys::stop_requested();
  sys::default_signals();
  if (stopped) {
    sys::send_signal(pid.value(), SIGTERM);
    return EX_OK;
  }
  if (answer == "held") {
    keeper_ = pid.value();
    return std::nullopt;
  }
  if (answer == "free") return std::nullopt;
  constexpr std::string_view kRefused = "refused ";
  if (answer.starts_with(kRefused)) return cannot(answer.substr(kRefused.size()), EX_CONFIG);
  return cannot("the process that keeps the spool has died", EX_TEMPFAIL);
}

// Reads lines until one is not "waits HOST", the keeper has ended, or a stop is requested.
void Master::await_spool(const sys::Fd& from, std::string& answer) {
  std::string text;
  for (;;) {
    std::array<pollfd, 1> fds{{{from.get(), POLLIN, 0}}};
    auto waited = sys::wait_for(fds, sys::Steady::now() + kLookAgain, true);
    if (waited == sys::Waited::kStop) return;
    if (manager_.watchdog()) manager_.tell("WATCHDOG=1");
    if (waited != sys::Waited::kReady) continue;
    auto more = sys::take(from, kMaxAnswer);
    if (!more) return;
    text += *more;
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      answer = text.substr(0, end);
      text.erase(0, end + 1);
      constexpr std::string_view kWaits = "waits ";
      if (!answer.starts_with(kWaits)) return;
      auto host = answer.substr(kWaits.size());
      answer.clear();
      log_->info("waiting for the spool", {{"spool", config().spool.path}, {"host", host}});
      if (config().cluster.empty()) continue;  // only until it is clear who has it
      manager_.tell("READY=1\nSTATUS=waiting: " + host + " has the spool");
      if (start_.background) start_.background->ready();
      start_.background.reset();
    }
  }
}

void Master::adopt_keeper(pid_t pid) {
  keeper_ = pid;
  children_.adopt(pid, [this](int) { keeper_ended(); });
}

void Master::keeper_ended() {
  if (std::exchange(keeper_, 0) == 0) return;
  if (serving()) {
    log_->error("the spool is lost", {{"spool", config().spool.path}});
    exit_code_ = EX_TEMPFAIL;
    drain("another host has the spool, or the process that keeps it has died");
  }
  stop_if_empty();
}

void Master::stop_keeper() {
  if (keeper_ == 0 || std::exchange(keeper_told_, true)) return;
  sys::send_signal(keeper_, SIGTERM);
  loop_.after(kKeeperEnd, [this] {
    if (keeper_ != 0) sys::send_signal(keeper_, SIGKILL);
    keeper_ = 0;
    stop_if_empty();
  });
}

}  // namespace handoff::master
