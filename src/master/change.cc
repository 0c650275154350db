// The part of the master that reloads the configuration and replaces the program.
#include <sysexits.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "conf/assignment.hh"
#include "conf/copy.hh"
#include "master/state.hh"
#include "recipients/kinds.hh"
#include "recipients/table.hh"
#include "sys/fd.hh"
#include "sys/process.hh"
#include "sys/secrets.hh"
#include "worker/trial.hh"

namespace handoff::master {
namespace {

using std::chrono::milliseconds;

constexpr char kStopping[] = "the server is stopping";

void remove_files(const std::vector<Listener>& listeners) {
  for (const auto& listener : listeners) {
    if (listener.file) listener.file->remove();
  }
}

}  // namespace

// A configuration that is being tried, while the running one stays in force.
struct Master::Candidate {
  conf::Settings settings;
  recipients::TableImages images;
  std::vector<Listener> opened;
};

// Returns the current settings from file and command line, but with the running values of settings
// that a reload cannot change.
Result<conf::Settings> Master::load() {
  try {
    auto wanted = conf::load(start_.line, recipients::parse_lookup);
    reload_note_.clear();
    for (auto name : conf::need_restart(settings_, wanted)) {
      reload_note_ +=
          (reload_note_.empty() ? "\nnot in force until an upgrade or a restart: " : ", ") +
          std::string(name);
      log_->warning("this setting takes effect only at an upgrade or a restart",
                    {{"setting", name}});
    }
    return conf::carry_over(settings_, wanted);
  } catch (const conf::ConfigError& error) {
    return explained(EINVAL, error.what());
  }
}

void Master::reload(bool asked) {
  if (!serving()) {
    if (asked) control_.answer(Ask::kReload, false, kStopping);
    return;
  }
  if (is_changing(phase_)) {
    // The configuration file may have changed since it was read.
    next_reload_ = asked || next_reload_.value_or(false);
    return;
  }
  phase_ = Phase::kTrying;
  waiting_ = asked ? std::optional(Ask::kReload) : std::nullopt;
  log_->info("reloading");
  manager_.tell_reloading();
  auto loaded = load();
  if (!loaded) return refuse_reload(loaded.error().what);
  auto candidate = std::make_shared<Candidate>(Candidate{std::move(loaded).value(), {}, {}});
  candidate_ = candidate;
  const auto& wanted = candidate->settings.config;
  // The child reads the tables into memory that the master keeps.
  auto images = recipients::blank_images(wanted.recipients.lookups);
  if (!images) return refuse_reload(images.error().describe());
  candidate->images = std::move(images).value();
  // Bound now, with the master's privileges, but used only if the trial succeeds.
  auto opened = listeners_.open_missing(wanted);
  if (!opened) return refuse_reload(opened.error().describe());
  candidate->opened = std::move(opened).value();
  auto work = [candidate](const sys::Fd& text) {
    sys::Log quiet(sys::LogFormat::kText, sys::Level::kError);
    auto tried = worker::try_out(candidate->settings.config, quiet, candidate->images);
    if (!tried) sys::put(text, tried.error().describe());
    return tried ? EX_OK : EX_CONFIG;
  };
  run_errand(loop_, children_, kTrialLimit, work, [this, candidate](const Report& report) {
    auto refused = [&](const std::string& why) {
      remove_files(candidate->opened);
      refuse_reload(why);
    };
    if (!report.ok) return refused(report.text);
    if (!serving()) return refused(kStopping);
    auto tables = recipients::open_tables(std::exchange(candidate->images, {}));
    if (!tables) return refused(tables.error().describe());
    auto assets = worker::load_assets(candidate->settings.config, std::move(tables).value());
    if (!assets) return refused(assets.error().describe());
    assets_ = std::move(assets).value();
    take_reload(std::move(candidate->settings), std::move(candidate->opened));
  });
}

void Master::forget_key_and_board() {
  assets_.tls.reset();
  workers_.forget_board();
}

void Master::forget_secrets() {
  conf::forget_secrets(settings_);
  conf::forget_secrets(start_.line.options);
  if (auto candidate = candidate_.lock()) conf::forget_secrets(candidate->settings);
  for (auto& argument : start_.command) sys::erase(argument);
  sys::erase_database_variables();
  sys::erase_freed_memory(false);  // there are none left
}

void Master::refuse_reload(const std::string& why) {
  ++reloads_refused_;
  log_->error("reload refused, nothing has changed", {{"cause", why}});
  manager_.tell("READY=1\nSTATUS=serving; the last reload was refused");
  end_change(false, why);
}

void Master::take_reload(conf::Settings settings, std::vector<Listener> opened) {
  phase_ = Phase::kSwitching;
  settings_ = std::move(settings);
  *log_ = start_.open_log(config());
  pool_.change(pool_settings(config()));
  ++generation_;
  serve_backlog(listeners_.change(config(), std::move(opened)));
  if (http_.is_open() && config().http.listen == http_.endpoint()) {
    http_.restart();
  } else {
    http_.close();
    if (auto done = open_http({}); !done) {
      log_->error("no metrics", {{"cause", done.error().describe()}});
    }
  }
  adjust_pool();
}

// The reload is complete when no worker with the previous configuration can accept connections.
void Master::finish_switch() {
  if (phase_ != Phase::kSwitching || ready_generation_ != generation_) return;
  if (workers_.any_waiting_before(generation_)) return;
  log_->info("reloaded", {{"generation", configuration()}});
  manager_.tell("READY=1\nSTATUS=serving");
  end_change(true, "reloaded, configuration " + std::to_string(configuration()) + reload_note_);
}

// First the new program is tried in a child, then this process executes it. The workers continue
// until those of the new program are ready.
void Master::upgrade(bool asked) {
  if (!serving() || is_changing(phase_)) {
    auto why = serving() ? "another reload or upgrade is in progress" : kStopping;
    log_->warning("upgrade not started", {{"cause", why}});
    if (asked) control_.answer(Ask::kUpgrade, false, why);
    return;
  }
  phase_ = Phase::kTrying;
  waiting_ = asked ? std::optional(Ask::kUpgrade) : std::nullopt;
  log_->info("upgrading", {{"program", start_.command.front()}});
  auto given = handover();
  given.trial = true;
  given.control = given.http = given.life_write = given.pid_file = -1;  // not for a trial
  auto work = [this, given](const sys::Fd& text) {
    keep_over_exec(true);
    for (int standard : {sys::kStandardOutput, sys::kStandardError}) {
      sys::put_in_place(text, standard);
    }
    auto failed = sys::exec_program(start_.command, kHandoverVariable, given.pack());
    sys::put(text, failed.describe());
    return EX_UNAVAILABLE;
  };
  run_errand(loop_, children_, kTrialLimit, work, [this](const Report& report) {
    if (report.ok && serving()) return replace_program();
    auto why = serving() ? report.text : kStopping;
    log_->error("upgrade refused, the old program continues", {{"cause", why}});
    end_change(false, why);
  });
}

void Master::replace_program() {
  log_->info("the new program has passed its trial, switching to it");
  manager_.tell_reloading();
  phase_ = Phase::kReplacing;
  if (waiting_) control_.answer(*waiting_, true, "the new program passed its trial");
  waiting_.reset();
  // The delay lets the status process receive its answer first.
  loop_.after(milliseconds(20), [this] {
    if (!serving()) return;
    // The new program starts its own sweep and would not know this one.
    if (spool_sweeper_ != 0) sys::send_signal(spool_sweeper_, SIGKILL);
    stop_sender();
    keep_over_exec(true);
    auto failed = sys::exec_program(start_.command, kHandoverVariable, handover().pack());
    keep_over_exec(false);
    manager_.tell("READY=1\nSTATUS=serving; the last upgrade failed");
    log_->error("upgrade failed, the old program continues", {{"cause", failed.describe()}});
    control_.answer(Ask::kReady, false, failed.describe());
    end_change(false, failed.describe());
  });
}

// A reload or upgrade has ended, successfully or not.
void Master::end_change(bool ok, const std::string& text) {
  if (serving()) phase_ = ready_generation_ == 0 ? Phase::kStarting : Phase::kServing;
  if (auto asked = std::exchange(waiting_, std::nullopt)) control_.answer(*asked, ok, text);
  if (auto next = std::exchange(next_reload_, std::nullopt)) {
    loop_.after(milliseconds(0), [this, asked = *next] { reload(asked); });
  }
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
  out.keeper = keeper_;
  out.upgrades = upgrades_;
  out.started = started_;
  out.totals = workers_.totals().pack();
  out.backends = board::pack(workers_.backends());
  out.deaths = deaths_;
  out.killed = killed_;
  out.reloads_refused = reloads_refused_;
  return out;
}

void Master::keep_over_exec(bool keep) {
  for (const auto* fd : listeners_.all()) sys::keep_over_exec(*fd, keep);
  for (auto* process : {&control_, &http_}) {
    for (const auto& fd : process->descriptors()) sys::keep_over_exec(fd, keep);
  }
  if (pid_file_) sys::keep_over_exec(pid_file_->descriptor(), keep);
  sys::keep_over_exec(life_.read, keep);
  sys::keep_over_exec(life_.write, keep);
}

}  // namespace handoff::master
