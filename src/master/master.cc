#include "master/master.hh"

#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "master/event_loop.hh"
#include "master/listeners.hh"
#include "master/pool.hh"
#include "master/worker_table.hh"
#include "sys/clock.hh"
#include "sys/pipe.hh"

namespace handoff::master {
namespace {

// The pool is looked at this often; what is urgent rings the bell.
constexpr std::chrono::milliseconds kTick{1000};

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

class Master {
 public:
  Master(const conf::Config& config, const sys::Log& log, Listeners listeners, board::Board board,
         sys::Pipe life, sys::Pipe bell, const WorkerMain& worker_main,
         const std::function<void()>& on_ready)
      : config_(config),
        log_(log),
        listeners_(std::move(listeners)),
        life_(std::move(life)),
        bell_(std::move(bell)),
        worker_main_(worker_main),
        on_ready_(on_ready),
        pool_({config.workers.max, config.workers.min_idle, config.workers.max_idle}),
        workers_(std::move(board)) {}

  int run() {
    loop_.on_signal(SIGTERM, [this] { drain("SIGTERM"); });
    loop_.on_signal(SIGINT, [this] { drain("SIGINT"); });
    loop_.on_signal(SIGHUP, [] {});  // must not end the daemon
    loop_.on_signal(SIGCHLD, [this] { reap(); });
    loop_.on_readable(bell_.read.get(), [this] { answer_bell(); });
    loop_.every(kTick, [this] { tend(); });
    tend();
    loop_.run();
    return exit_code_;
  }

 private:
  void tend() {
    if (draining_) return;
    auto action = pool_.decide(workers_.view(), sys::Steady::now());
    while (action.start-- > 0) start_worker();
    if (action.retire > 0) workers_.retire_idle();
  }

  void start_worker() {
    auto slot = workers_.take_slot();
    if (!slot) return;
    // No signal may reach the child while the master's handlers are in it: they would write into
    // the master's loop.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = ::fork();
    if (pid == 0) be_worker(*slot);
    int error = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
      log_.error("cannot start a worker", {{"cause", Error{error, "fork", {}}.describe()}});
      pool_.died(true, sys::Steady::now());
      return;
    }
    workers_.started(*slot, pid);
  }

  [[noreturn]] void be_worker(std::size_t slot) {
    int code = EX_SOFTWARE;
    try {
      loop_.abandon_in_child();
      life_.write.reset();
      bell_.read.reset();
      code = worker_main_({listeners_.all(), workers_.slots(), slot, life_.read, bell_.write});
    } catch (const std::exception& failure) {
      log_.error("worker failed", {{"cause", failure.what()}});
    }
    ::_exit(code);  // what the master has to do at its end is not the worker's to do
  }

  void answer_bell() {
    std::array<char, 256> rings;
    while (::read(bell_.read.get(), rings.data(), rings.size()) > 0) {
    }
    if (workers_.any_ready()) {
      pool_.became_ready();
      if (!std::exchange(ready_, true)) announce();
    }
    tend();
  }

  void announce() {
    std::string where;
    for (const Endpoint& endpoint : config_.listen) {
      where += (where.empty() ? "" : ",") + endpoint.text();
    }
    log_.info("ready", {{"listen", where}, {"spool", config_.spool.path}});
    on_ready_();
  }

  void reap() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (auto gone = workers_.ended(pid)) ended(*gone, status);
    }
    if (!draining_) {
      tend();
    } else if (workers_.empty()) {
      log_.info("stopped");
      loop_.stop();
    }
  }

  void ended(const WorkerTable::Gone& gone, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK) return;
    log_.error(
        "worker died",
        {{"worker", gone.process.pid}, {"how", how_it_ended(status)}, {"sessions", gone.sessions}});
    pool_.died(gone.sessions == 0, sys::Steady::now());
    // Where nothing has ever worked, it is not waited out but said to whoever started us.
    if (!ready_ && !draining_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
      drain("no worker could start");
    }
  }

  // S11: nobody can connect any more, workers end what they have begun. The second time: at once.
  void drain(std::string_view cause) {
    if (std::exchange(draining_, true)) {
      log_.warning("stopping at once", {{"cause", cause}});
      workers_.signal_all(SIGKILL);
      return;
    }
    log_.info("draining", {{"cause", cause}});
    listeners_.close();
    workers_.signal_all(SIGTERM);
    if (workers_.empty()) loop_.stop();
  }

  const conf::Config& config_;
  const sys::Log& log_;
  Listeners listeners_;
  sys::Pipe life_;  // its write end is the master's alone: workers see it close
  sys::Pipe bell_;
  const WorkerMain& worker_main_;
  const std::function<void()>& on_ready_;
  Pool pool_;
  WorkerTable workers_;
  EventLoop loop_;
  bool ready_ = false;
  bool draining_ = false;
  int exit_code_ = EX_OK;
};

}  // namespace

int run(const conf::Config& config, const sys::Log& log, const WorkerMain& worker_main,
        const std::function<void()>& on_ready) {
  auto cannot = [&](const Error& error, int exit_code) {
    log.error("cannot start", {{"cause", error.describe()}});
    return exit_code;
  };
  auto listeners = Listeners::open(config);
  if (!listeners) return cannot(listeners.error(), EX_UNAVAILABLE);
  auto board = board::Board::create(config.workers.max);
  if (!board) return cannot(board.error(), EX_OSERR);
  auto life = sys::open_pipe();
  if (!life) return cannot(life.error(), EX_OSERR);
  auto bell = sys::open_pipe();
  if (!bell) return cannot(bell.error(), EX_OSERR);
  return Master(config, log, std::move(listeners).value(), std::move(board).value(),
                std::move(life).value(), std::move(bell).value(), worker_main, on_ready)
      .run();
}

}  // namespace handoff::master
