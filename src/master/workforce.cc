// The part of the master that keeps the workers: how many there are, which may go, which must.
#include <sys/wait.h>
#include <sysexits.h>

#include <csignal>
#include <utility>

#include "master/state.hh"
#include "sys/clock.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/signals.hh"

namespace handoff::master {

using std::chrono::milliseconds;

void Master::tend() {
  if (!serving()) return;
  auto action = pool_.decide(workers_.view(generation_), sys::Steady::now());
  while (action.start-- > 0) start_worker(false, listeners_.all());
  if (action.retire > 0) workers_.retire_idle(generation_);
  if (action.became_full) {
    log_->warning("all workers are busy, connections wait",
                  {{"workers.max", config().workers.max}});
  }
  if (action.eased) log_->info("workers are idle again");
}

std::optional<std::size_t> Master::start_worker(bool sweeper,
                                                const std::vector<const sys::Fd*>& listeners) {
  auto slot = workers_.take_slot();
  if (!slot) return slot;
  auto delivery = start_delivery();
  auto pid = children_.start(
      [&] {
        return wiring_.worker(config(), *log_,
                              {listeners, workers_.board(), *slot, life_.read, bell_.write, sweeper,
                               delivery ? &delivery : nullptr});
      },
      [this, slot](int status) { ended(*slot, status); });
  if (!pid) {
    log_->error("cannot start a worker", {{"cause", pid.error().describe()}});
    pool_.died(true, sys::Steady::now());
    return std::nullopt;
  }
  workers_.started(*slot, {.pid = pid.value(), .generation = generation_, .sweeper = sweeper});
  return slot;
}

// It ends when its worker does. Without it the worker puts off what it cannot deliver itself.
sys::Fd Master::start_delivery() {
  if (!wiring_.wants_delivery(config())) return {};
  auto pair = sys::message_pair();
  auto pid =
      pair ? children_.start(
                 [&] {
                   pair.value().first.reset();
                   return wiring_.delivery(config(), *log_, pair.value().second);
                 },
                 [this](int status) {
                   if (status != 0) {
                     log_->error("delivery process died", {{"how", sys::how_it_ended(status)}});
                   }
                 })
           : Result<pid_t>(pair.error());
  if (!pid) {
    log_->error("cannot start a delivery process", {{"cause", pid.error().describe()}});
    return {};
  }
  return std::move(pair.value().first);
}

// Who connected to a listener that is gone, and was not accepted yet, is served all the same. Then
// it has to be silenced: workers that are busy hold it open for as long as their sessions last.
void Master::sweep_backlog(std::vector<Listener> removed) {
  if (removed.empty()) return;
  auto slot = start_worker(true, descriptors(removed));
  if (slot) swept_[*slot] = std::move(removed);
}

void Master::ended(std::size_t slot, int status) {
  workers_.each([&](const board::Slot& of, WorkerProcess& process) {
    history_.take_failure(of, process.failures_seen);
  });
  auto gone = workers_.ended(slot);
  if (auto swept = swept_.extract(slot); !swept.empty()) {
    for (const auto* fd : descriptors(swept.mapped())) sys::stop_listening(*fd);
  }
  bool in_order = WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;
  bool told = gone.process.retired || gone.process.sweeper;
  // Told to go before it had its handler for that.
  bool early_stop = told && WIFSIGNALED(status) &&
                    (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == sys::kRetire);
  bool idle_end = in_order && !told && gone.transactions == 0;
  if (!in_order && !early_stop && !(draining_ && told && WIFSIGNALED(status))) {
    ++deaths_;
    log_->error("worker died", {{"worker", gone.process.pid},
                                {"how", sys::how_it_ended(status)},
                                {"sessions", gone.sessions}});
  }
  if ((!in_order && !early_stop) || idle_end) {
    pool_.died(gone.sessions == 0, sys::Steady::now());
  }
  // Where nothing has ever worked, it is not waited out but said to whoever started us. After an
  // upgrade the old workers serve on, and new ones are tried again.
  if (!in_order && ready_generation_ == 0 && adopted_.empty() && serving()) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
    drain("no worker could start");
    return;
  }
  if (!in_order && reload_answer_ && gone.process.generation == generation_) {
    log_->error("no worker could start with the new configuration; the old ones serve on");
    manager_.tell("READY=1\nSTATUS=serving; no worker could start with the new configuration");
    end_reload(false, "no worker could start with it, the log says why; the old ones serve on");
  }
  answer_reload();
  tend();
  stop_if_empty();
}

void Master::stop_if_empty() {
  if (!draining_ || stopped_ || !workers_.empty() || !adopted_.empty()) return;
  if (spool_sweeper_ != 0) return;
  stopped_ = true;
  log_->info("stopped");
  // Whoever asked for it has the answer by then.
  loop_.after(milliseconds(10), [this] { loop_.stop(); });
}

void Master::answer_bell() {
  sys::take_all(bell_.read);
  if (workers_.any_ready(generation_)) {
    pool_.became_ready();
    if (ready_generation_ != generation_) became_ready();
  }
  tend();
}

// The first worker of this generation can accept: those before it may go.
void Master::became_ready() {
  bool first = std::exchange(ready_generation_, generation_) == 0;
  workers_.retire_before(generation_);
  for (pid_t pid : adopted_) sys::send_signal(pid, sys::kRetire);
  // A reload is over, and said to be, when nobody of before greets any more.
  if (!reload_answer_) manager_.tell("READY=1\nSTATUS=serving");
  if (first) {
    std::string where;
    for (const auto& listener : listeners_.listeners()) {
      where += (where.empty() ? "" : ",") + listener.endpoint.text();
    }
    log_->info("ready",
               {{"listen", where}, {"spool", config().spool.path}, {"upgrades", upgrades_}});
    wiring_.on_ready();
  }
  answer_reload();
  sweep_spool();
  for (const auto& action : std::exchange(when_ready_, {})) action();
}

void Master::tick() {
  answer_reload();
  kill_stuck();
  workers_.each([&](const board::Slot& slot, WorkerProcess& process) {
    history_.take_failure(slot, process.failures_seen);
  });
  history_.take(workers_.totals(), sys::Steady::now());
  sweep_spool();
  stop_if_idle();
  tend();
}

void Master::kill_stuck() {
  for (const auto& stuck : workers_.kill_stuck(config(), steady_milliseconds())) {
    ++killed_;
    log_->error("worker killed: no progress", {{"worker", stuck.pid},
                                               {"state", board::name_of(stuck.state)},
                                               {"seconds", stuck.milliseconds / 1000},
                                               {"client", stuck.peer},
                                               {"id", stuck.message}});
  }
}

// Whoever holds our sockets starts us again for the next connection.
void Master::stop_if_idle() {
  auto limit = config().idle_exit;
  if (limit.count() == 0 || !listeners_.activated() || !serving() || busy_) return;
  auto sessions = workers_.totals()[board::Counter::kSessions];
  auto view = workers_.view(generation_);
  bool at_work = view.busy > 0 || view.idle == 0 || !adopted_.empty();
  if (at_work || std::exchange(sessions_seen_, sessions) != sessions) {
    last_session_ = sys::Steady::now();
  } else if (sys::Steady::now() >= last_session_ + limit) {
    // One that has come in this moment is served to its end.
    drain("idle-exit", sys::kRetire);
  }
}

// S11: nobody can connect any more, workers end what they have begun. The second time: at once.
void Master::drain(std::string_view cause, int signal) {
  if (std::exchange(draining_, true)) {
    log_->warning("stopping at once", {{"cause", cause}});
    workers_.signal_all(SIGKILL);
    for (pid_t pid : adopted_) sys::send_signal(pid, SIGKILL);
    return;
  }
  log_->info("draining", {{"cause", cause}});
  // What it has not come to is there at the next start.
  if (spool_sweeper_ != 0) sys::send_signal(spool_sweeper_, SIGKILL);
  manager_.tell("STOPPING=1\nSTATUS=draining");
  // Sockets that systemd or inetd holds are served by whoever comes next.
  if (!listeners_.activated()) workers_.close_shop();
  listeners_.close();
  workers_.signal_all(signal);
  for (pid_t pid : adopted_) sys::send_signal(pid, signal);
  stop_if_empty();
}

}  // namespace handoff::master
