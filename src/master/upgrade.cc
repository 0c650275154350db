// The part of the master that becomes a new program.
#include <sysexits.h>

#include <csignal>
#include <utility>

#include "master/errand.hh"
#include "master/state.hh"
#include "sys/pipe.hh"
#include "sys/process.hh"

namespace handoff::master {

using std::chrono::milliseconds;

// First the new program proves itself as a child, then this process becomes it. Workers serve on
// through it all, until those of the new program can.
void Master::upgrade(const Answer& answer) {
  if (!one_at_a_time(answer)) {
    log_->warning("no upgrade now: a reload or upgrade is under way, or the server stops");
    return;
  }
  busy_ = true;
  log_->info("upgrading", {{"program", wiring_.command.front()}});
  auto given = handover();
  given.trial = true;
  given.control = given.http = given.life_write = given.pid_file = -1;  // for the one to come
  auto work = [this, given](const sys::Fd& words) {
    mark_over_exec(true);
    for (int standard : {sys::kStandardOutput, sys::kStandardError}) {
      sys::put_in_place(words, standard);
    }
    auto failed = sys::exec_program(wiring_.command, kHandoverVariable, given.pack());
    sys::put(words, failed.describe());
    return EX_UNAVAILABLE;
  };
  run_errand(loop_, children_, kTrialLimit, work, [=, this](const Report& report) {
    if (!report.ok || draining_) {
      end_reload(false, {});
      auto why = draining_ ? "the server is stopping" : report.text;
      log_->error("upgrade refused, the old program goes on", {{"cause", why}});
      return answer(false, why);
    }
    replace_program(answer);
  });
}

void Master::replace_program(const Answer& answer) {
  log_->info("the new program has proved itself, becoming it");
  manager_.tell_reloading();
  answer(true, "the new program has proved itself");
  replacing_ = true;
  // The answer is on its way when the loop comes round again.
  loop_.after(milliseconds(20), [this] {
    if (draining_) return;
    // The new program sweeps for itself, and would not know of this one.
    if (spool_sweeper_ != 0) sys::send_signal(spool_sweeper_, SIGKILL);
    mark_over_exec(true);
    auto failed = sys::exec_program(wiring_.command, kHandoverVariable, handover().pack());
    mark_over_exec(false);
    replacing_ = false;
    end_reload(false, {});
    for (const auto& asked : std::exchange(ready_asked_, {})) {
      asked.reply(409, "text/plain", failed.describe() + "\n");
    }
    manager_.tell("READY=1\nSTATUS=serving; the last upgrade failed");
    log_->error("upgrade failed, the old program goes on", {{"cause", failed.describe()}});
  });
}

Handover Master::handover() {
  Handover out;
  out.activated = listeners_.activated();
  for (const auto& listener : listeners_.listeners()) {
    for (const auto& fd : listener.fds) out.listeners.emplace_back(listener.endpoint, fd.get());
  }
  if (control_.is_open()) out.control = control_.descriptors().front().get();
  if (http_.is_open()) {
    out.http = http_.descriptors().front().get();
    out.http_endpoint = http_.endpoint().text();
  }
  if (pid_file_) {
    out.pid_file = pid_file_->descriptor().get();
    out.pid_file_path = pid_file_->path();
  }
  out.life_read = life_.read.get();
  out.life_write = life_.write.get();
  workers_.each(
      [&](const board::Slot&, WorkerProcess& process) { out.workers.push_back(process.pid); });
  out.workers.insert(out.workers.end(), adopted_.begin(), adopted_.end());
  out.upgrades = upgrades_;
  out.started = started_;
  out.totals = workers_.totals().pack();
  out.deaths = deaths_;
  out.killed = killed_;
  out.reloads_refused = reloads_refused_;
  return out;
}

void Master::mark_over_exec(bool keep) {
  for (const auto* fd : listeners_.all()) sys::keep_over_exec(*fd, keep);
  for (auto* own : {&control_, &http_}) {
    for (const auto& fd : own->descriptors()) sys::keep_over_exec(fd, keep);
  }
  if (pid_file_) sys::keep_over_exec(pid_file_->descriptor(), keep);
  sys::keep_over_exec(life_.read, keep);
  sys::keep_over_exec(life_.write, keep);
}

}  // namespace handoff::master
