// The part of the master that manages the workers: starts, retires and kills them, and sweeps the
// spool for files that dead ones left.
#include <sys/wait.h>
#include <sysexits.h>

#include <csignal>
#include <utility>

#include "base/text.hh"
#include "delivery/agent.hh"
#include "master/birth.hh"
#include "master/state.hh"
#include "sys/files.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/title.hh"
#include "worker/filters.hh"
#include "worker/lookups.hh"
#include "worker/sender.hh"
#include "worker/sweeping.hh"
#include "worker/worker.hh"

namespace handoff::master {

namespace {

using std::chrono::milliseconds;

constexpr std::chrono::hours kSweepLimit{1};  // for one sweep
// How many octets of the wakeup pipe are read at once, and how long it is then ignored: a worker
// that writes to it continuously costs the master neither memory nor much time.
constexpr std::size_t kWakeupOctets = 4096;
constexpr milliseconds kWakeupPause{5};
// How long a lookup or filter process whose worker has ended may take to end by itself.
constexpr milliseconds kCompanionsEnd{1000};
// How long the sender may take to end, because sieve.sendmail runs; then both are killed. After the
// sender has died, the master waits kSenderPause before it starts another one.
constexpr milliseconds kSenderEnd{10'000};
constexpr milliseconds kSenderPause{5000};

}  // namespace

void Master::adjust_pool() {
  if (!serving()) return;
  auto listeners = listeners_.all();
  auto action = pool_.decide(workers_.view(generation_, listeners), sys::Steady::now());
  while (action.start-- > 0) {
    start_worker(false, workers_.listeners_for_next(generation_, listeners, config().workers.max));
  }
  if (action.retire > 0) workers_.retire_idle(generation_);
  if (action.became_full) {
    log_->warning("all workers are busy", {{"workers.max", config().workers.max}});
  }
  if (action.eased) log_->info("workers are idle again");
}

// Starts the worker's delivery process too, if it needs one. Without it, the worker would defer
// mail that others can deliver.
std::optional<std::size_t> Master::start_worker(bool until_empty,
                                                const std::vector<const sys::Fd*>& listeners) {
  auto slot = workers_.take_slot();
  if (!slot) return slot;
  auto failed = [&](const char* what, const Error& error) {
    log_->error(what, {{"cause", error.describe()}});
    pool_.died(sys::Steady::now());
    return std::nullopt;
  };
  worker::Companions companions;
  if (delivery::is_needed(config())) {
    auto started = start_delivery();
    if (!started) return failed("cannot start a delivery process", started.error());
    companions.delivery = std::move(started.value().socket);
  }
  pid_t lookups = 0;
  if (worker::needs_lookup_process(config())) {
    auto started = start_lookups();
    if (!started) return failed("cannot start a lookup process", started.error());
    lookups = started.value().process;
    companions.lookups = std::move(started.value().socket);
  }
  pid_t filter = 0;
  if (worker::needs_filter_process(config())) {
    auto started = start_filter();
    if (!started) return failed("cannot start a filter process", started.error());
    filter = started.value().process;
    companions.filter = std::move(started.value().socket);
  }
  bool reserved = !until_empty && listeners.size() < listeners_.all().size();
  auto pid = fork_worker(
      {listeners, workers_.board(), *slot, life_.read, wakeup_.write, companions, until_empty});
  if (!pid) return failed("cannot start a worker", pid.error());
  children_.adopt(pid.value(), [this, slot](int status) { ended(*slot, status); });
  workers_.started(*slot, {.pid = pid.value(),
                           .generation = generation_,
                           .lookups = lookups,
                           .filter = filter,
                           .until_empty = until_empty,
                           .only = reserved ? listeners.front()->get() : -1});
  return slot;
}

Result<pid_t> Master::fork_worker(const worker::Inheritance& inherited) {
  if (start_.program) {
    return fork_server_.start_worker(generation_, inherited,
                                     start_.echo_errors && ready_generation_ == 0);
  }
  return children_.fork([&] {
    forget_secrets();
    return worker::run(config(), *log_, assets_, inherited, [this] {
      log_->echo_errors(false);
      if (start_.background) start_.background->detach();
    });
  });
}

// Runs in the child.
int Master::run_fork_server(const sys::Fd& channel) {
  bool starting = start_.echo_errors && ready_generation_ == 0;
  auto failed = execute_fork_server(
      start_.program, settings_, assets_, {workers_.board(), life_.read, wakeup_.write}, channel,
      {.echo_errors = starting, .detach = start_.background.has_value()});
  log_->error("no fork server", {{"cause", failed.describe()}});
  return EX_OSERR;
}

// A worker of this generation, or the fork server, ended with this status before any worker was
// ready. If no worker has ever been ready, the master exits, so that the process that started it
// learns of the failure. After an upgrade the old workers keep serving, and new ones are tried
// again.
void Master::cannot_start(unsigned generation, int status) {
  if (!serving() || generation != generation_ || ready_generation_ == generation_) return;
  if (ready_generation_ == 0 && adopted_.empty()) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
    log_->error("cannot start",
                {{"cause", "the first worker ended; run `handoffd --check` to see why"}});
    drain("no worker could start");
  } else if (phase_ == Phase::kSwitching) {
    log_->error("no worker could start with the new configuration; the old ones continue");
    manager_.tell("READY=1\nSTATUS=serving; no worker could start with the new configuration");
    end_change(false, "no worker could start with it (the log says why); the old workers continue");
  }
}

// Starts a process that answers the requests of one worker and ends when the worker does. Such
// processes need neither the private key, which users could find in the memory of processes that
// become them, nor the board.
Result<Master::Companion> Master::start_companion(std::function<int(sys::Fd&)> serve,
                                                  std::function<void(int)> ended) {
  auto pair = sys::message_pair();
  if (!pair) return pair.error();
  auto pid = children_.start(
      [&] {
        if (start_.background) start_.background->detach();
        pair.value().first.reset();
        forget_key_and_board();
        return serve(pair.value().second);
      },
      std::move(ended));
  if (!pid) return pid.error();
  return Companion{pid.value(), std::move(pair.value().first)};
}

Result<Master::Companion> Master::start_delivery() {
  return start_companion(
      [this](sys::Fd& socket) {
        forget_secrets();
        return delivery::serve(config(), *log_, assets_.tables, socket);
      },
      [this](int status) {
        if (status == 0) return;
        history_.record_delivery_death(sys::Steady::now());
        log_->error("delivery process died", {{"how", sys::how_it_ended(status)}});
      });
}

Result<Master::Companion> Master::start_lookups() {
  return start_companion(
      [this](sys::Fd& socket) {
        return worker::serve_lookups(config(), *log_, assets_.modules, socket);
      },
      [this](int status) {
        if (status != 0) log_->error("lookup process died", {{"how", sys::how_it_ended(status)}});
      });
}

Result<Master::Companion> Master::start_filter() {
  return start_companion(
      [this](sys::Fd& socket) {
        forget_secrets();
        return worker::start_filters(config(), *log_, *assets_.engine, socket);
      },
      [this](int status) {
        if (status != 0) log_->error("filter starter died", {{"how", sys::how_it_ended(status)}});
      });
}

// Clients that connected to a listener before it was closed, but were not accepted yet, are still
// served. After that the listener must refuse connections, because workers hold it open until their
// sessions end.
void Master::serve_backlog(std::vector<Listener> removed) {
  if (removed.empty()) return;
  auto slot = start_worker(true, descriptors(removed));
  if (slot) closing_[*slot] = std::move(removed);
}

void Master::ended(std::size_t slot, int status) {
  workers_.each([&](const board::Slot& of, WorkerProcess& process) {
    history_.record_failure(of, process.failures_seen);
  });
  auto gone = workers_.ended(slot);
  // The lookup process may hang in a library, and the filter process may still run a script.
  for (pid_t process : {gone.process.lookups, gone.process.filter}) {
    if (process == 0) continue;
    loop_.after(kCompanionsEnd, [this, process] {
      if (children_.has(process)) sys::send_signal(process, SIGKILL);
    });
  }
  if (auto closing = closing_.extract(slot); !closing.empty()) {
    for (const auto* fd : descriptors(closing.mapped())) sys::stop_listening(*fd);
  }
  bool spool_gone = WIFEXITED(status) && WEXITSTATUS(status) == worker::kSpoolGone;
  bool in_order = spool_gone || (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK);
  bool told = gone.process.retired || gone.process.until_empty;
  // The worker was told to end before it had installed its signal handler.
  bool early_stop = told && WIFSIGNALED(status) &&
                    (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == sys::kRetire);
  bool died = !in_order && !early_stop;
  if (died && !(!serving() && told && WIFSIGNALED(status))) {
    ++deaths_;
    history_.record_death(sys::Steady::now(),
                          {unix_time(), "worker died: " + sys::how_it_ended(status), {}});
    log_->error("worker died", {{"worker", gone.process.pid},
                                {"how", sys::how_it_ended(status)},
                                {"sessions", gone.sessions}});
  }
  // Whoever causes crashes must not learn from them at which addresses the next worker is.
  if (died) fork_server_.retire();
  // A worker that was killed because a disk blocked it does not count as crashed if it had served
  // sessions.
  bool crashed = died && !(gone.process.killed && gone.sessions > 0);
  bool useless = in_order && !spool_gone && !told && gone.transactions == 0 && gone.sessions == 0;
  if (crashed || useless) pool_.died(sys::Steady::now());
  if (!in_order) cannot_start(gone.process.generation, status);
  if (spool_gone && serving() && gone.process.generation == generation_) replace_workers();
  finish_switch();
  adjust_pool();
  stop_if_empty();
}

// Another directory is at spool.path, or its folders were removed: workers that start now open what
// is there. The earlier workers end when the first new one is ready.
void Master::replace_workers() {
  ++spool_changes_;
  ++generation_;
  log_->warning("workers open the spool again", {{"spool", config().spool.path}});
}

void Master::stop_if_empty() {
  if (phase_ != Phase::kDraining || !workers_.empty() || !adopted_.empty()) return;
  if (spool_sweeper_ != 0 || sender_ != 0 || fork_server_.is_running()) return;
  // Last, because no process of this host uses the spool any more.
  if (keeper_ != 0) return stop_keeper();
  phase_ = Phase::kStopped;
  log_->info("stopped");
  // The delay lets the requester receive the answer first.
  loop_.after(milliseconds(10), [this] { loop_.stop(); });
}

void Master::watch_wakeup() {
  wakeup_watch_ =
      loop_.watch(wakeup_.read.get(), EventLoop::For::kReading, [this] { answer_wakeup(); });
}

void Master::answer_wakeup() {
  static_cast<void>(sys::take(wakeup_.read, kWakeupOctets));
  wakeup_watch_.reset();
  loop_.after(kWakeupPause, [this] { watch_wakeup(); });
  if (workers_.any_ready(generation_)) {
    pool_.became_ready();
    if (ready_generation_ != generation_) became_ready();
  }
  adjust_pool();
}

// The first worker of this generation is ready: workers of earlier ones may end.
void Master::became_ready() {
  bool first = std::exchange(ready_generation_, generation_) == 0;
  workers_.retire_before(generation_);
  for (pid_t pid : adopted_) sys::send_signal(pid, sys::kRetire);
  if (phase_ == Phase::kStarting) phase_ = Phase::kServing;
  // A reload is complete only when no worker with the previous configuration can accept.
  if (phase_ != Phase::kSwitching) manager_.tell("READY=1\nSTATUS=serving");
  if (first) {
    std::string where;
    for (const auto& listener : listeners_.listeners()) {
      where += (where.empty() ? "" : ",") + listener.endpoint.text();
    }
    log_->info("ready",
               {{"listen", where}, {"spool", config().spool.path}, {"upgrades", upgrades_}});
    if (start_.background) {
      start_.background->ready();
      fork_server_.detach();
    }
    log_->echo_errors(false);
  }
  finish_switch();
  sweep_spool();
  adjust_sender();
  answer_ready();
}

void Master::tick() {
  finish_switch();
  kill_stuck();
  workers_.each([&](const board::Slot& slot, WorkerProcess& process) {
    history_.record_failure(slot, process.failures_seen);
  });
  history_.record(workers_.totals(), sys::Steady::now());
  sweep_spool();
  adjust_sender();
  stop_if_idle();
  adjust_pool();
  // If no worker can be started, for example because the spool is missing, the present ones have to
  // serve all clients.
  bool no_more = pool_.full() || pool_.throttled(sys::Steady::now());
  workers_.set_crowded(no_more && sys::connection_waits(listeners_.all()));
}

void Master::kill_stuck() {
  for (const auto& stuck : workers_.kill_stuck(config())) {
    ++killed_;
    log_->error("worker killed: no progress", {{"worker", stuck.pid},
                                               {"state", board::name_of(stuck.state)},
                                               {"seconds", stuck.milliseconds / 1000},
                                               {"client", stuck.peer},
                                               {"id", stuck.message}});
  }
}

// The service manager that holds our sockets starts us again for the next connection.
void Master::stop_if_idle() {
  auto limit = config().idle_exit;
  if (limit.count() == 0 || !listeners_.activated() || !serving() || is_changing(phase_)) return;
  auto sessions = workers_.totals()[board::Counter::kSessions];
  auto view = workers_.view(generation_, listeners_.all());
  bool at_work = view.busy > 0 || view.idle == 0 || !adopted_.empty();
  if (at_work || std::exchange(sessions_seen_, sessions) != sessions) {
    last_session_ = sys::Steady::now();
  } else if (sys::Steady::now() >= last_session_ + limit) {
    // A client that has just connected is still served.
    drain("idle-exit", sys::kRetire);
  }
}

// Starts a sweep as an errand, at start and at intervals.
void Master::sweep_spool() {
  auto every = config().spool.sweep_every;
  auto now = sys::Steady::now();
  bool due = !swept_when_ || (every.count() > 0 && now >= *swept_when_ + every);
  if (!due || spool_sweeper_ != 0 || ready_generation_ == 0 || !serving()) return;
  swept_when_ = now;
  auto work = [this](const sys::Fd& text) {
    // If these descriptors stayed open and this master were killed, the next one could not bind the
    // sockets.
    listeners_.abandon();
    forget_secrets();
    forget_key_and_board();
    sys::set_title("sweep");
    auto swept = worker::sweep_spool(config(), *log_);
    sys::put(text, swept ? std::to_string(swept.value()) : swept.error().describe());
    return swept ? EX_OK : EX_TEMPFAIL;
  };
  spool_sweeper_ = run_errand(loop_, children_, kSweepLimit, work, [this](const Report& report) {
    spool_sweeper_ = 0;
    if (report.ok) {
      workers_.add(board::Counter::kSwept, parse_number(report.text).value_or(0));
    } else if (serving()) {
      log_->warning("cannot sweep", {{"cause", report.text}});
    }
    stop_if_empty();
  });
}

// Starts the sender if there should be one. It has the settings with which it was started, so each
// reload replaces it.
void Master::adjust_sender() {
  bool wanted = serving() && ready_generation_ != 0 && worker::needs_sender(config());
  if (sender_ != 0) {
    if (!wanted || sender_generation_ != generation_) stop_sender();
    return;
  }
  if (!wanted || sys::Steady::now() < sender_not_before_) return;
  auto pid = children_.start(
      [this] {
        if (start_.background) start_.background->detach();
        listeners_.abandon();
        assets_.tls.reset();
        auto counts = workers_.keep_senders_slot();
        if (!counts) {
          log_->error("no sender", {{"cause", counts.error().describe()}});
          return EX_OSERR;
        }
        forget_secrets();
        return worker::run_sender(config(), *log_, life_.read, counts.value());
      },
      [this](int status) {
        bool killed = std::exchange(sender_told_, false) && WIFSIGNALED(status);
        sender_ = 0;
        if (status != 0 && !killed) {
          sender_not_before_ = sys::Steady::now() + kSenderPause;
          log_->error("sender died", {{"how", sys::how_it_ended(status)}});
        }
        stop_if_empty();
      });
  if (!pid) {
    sender_not_before_ = sys::Steady::now() + kSenderPause;
    log_->error("cannot start a sender", {{"cause", pid.error().describe()}});
    return;
  }
  sender_ = pid.value();
  sender_generation_ = generation_;
}

// The next sender sends what this one leaves.
void Master::stop_sender() {
  if (sender_ == 0 || std::exchange(sender_told_, true)) return;
  sys::send_signal(sender_, SIGTERM);
  loop_.after(kSenderEnd, [this, pid = sender_] {
    if (sender_ == pid) sys::send_signal(pid, SIGKILL);
  });
}

// S11: nobody can connect any more, and workers complete what they have begun. If called again,
// stops at once.
void Master::drain(std::string_view cause, int signal) {
  if (!serving()) {
    log_->warning("stopping immediately", {{"cause", cause}});
    workers_.signal_all(SIGKILL);
    if (sender_ != 0) sys::send_signal(sender_, SIGKILL);
    if (keeper_told_ && keeper_ != 0) sys::send_signal(keeper_, SIGKILL);
    for (pid_t pid : adopted_) sys::send_signal(pid, SIGKILL);
    return;
  }
  bool was_switching = std::exchange(phase_, Phase::kDraining) == Phase::kSwitching;
  sys::set_title("master, draining");
  log_->info("draining", {{"cause", cause}});
  if (was_switching) end_change(false, "the server is stopping");
  // The next start sweeps what this sweep has not reached.
  if (spool_sweeper_ != 0) sys::send_signal(spool_sweeper_, SIGKILL);
  stop_sender();
  fork_server_.retire();
  manager_.tell("STOPPING=1\nSTATUS=draining");
  // Sockets of systemd or inetd stay open for the next server.
  if (!listeners_.activated()) workers_.stop_accepting();
  listeners_.close();
  workers_.signal_all(signal);
  for (pid_t pid : adopted_) sys::send_signal(pid, signal);
  stop_if_empty();
}

}  // namespace handoff::master
