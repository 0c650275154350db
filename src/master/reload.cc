// The part of the master that takes a new configuration.
#include <sysexits.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "conf/error.hh"
#include "master/errand.hh"
#include "master/state.hh"
#include "sys/pipe.hh"

namespace handoff::master {

using std::chrono::milliseconds;

bool Master::one_at_a_time(const Answer& answer) {
  if (!draining_ && !busy_) return true;
  answer(false, draining_ ? "the server is stopping" : "another reload or upgrade is under way");
  return false;
}

void Master::reload(const Answer& answer) {
  if (busy_ && !draining_) {
    // Asked again before it was done: what is on disk may be newer than what was read.
    when_done_.push_back(
        [this, answer] { loop_.after(milliseconds(0), [=, this] { reload(answer); }); });
    return;
  }
  if (!one_at_a_time(answer)) return;
  auto refused = [this, answer](const std::string& why) {
    ++reloads_refused_;
    log_->error("reload refused, nothing has changed", {{"cause", why}});
    manager_.tell("READY=1\nSTATUS=serving; the last reload was refused");
    end_reload(false, {});
    answer(false, why);
  };
  busy_ = true;
  log_->info("reloading");
  manager_.tell_reloading();
  auto wanted = std::make_shared<conf::Settings>();
  try {
    *wanted = wiring_.load();
    auto restart = conf::need_restart(settings_, *wanted);
    for (auto name : restart) {
      log_->warning("a reload does not take this setting, an upgrade or a restart does",
                    {{"setting", name}});
    }
    *wanted = conf::carry_over(settings_, *wanted);
  } catch (const conf::ConfigError& error) {
    return refused(error.what());
  }
  if (auto prepared = wiring_.prepare(wanted->config); !prepared) {
    return refused(prepared.error().describe());
  }
  // Bound now, by a master that may do what its workers may not; served when all the rest is well.
  auto missing = listeners_.open_missing(wanted->config);
  if (!missing) return refused(missing.error().describe());
  auto opened = std::make_shared<std::vector<Listener>>(std::move(missing).value());
  auto work = [this, wanted](const sys::Fd& words) {
    auto checked = wiring_.check(wanted->config);
    if (checked) return EX_OK;
    sys::put(words, checked.error().describe());
    return EX_CONFIG;
  };
  run_errand(loop_, children_, kTrialLimit, work, [=, this](const Report& report) {
    auto fault = [&]() -> std::optional<std::string> {
      if (!report.ok) return report.text;
      if (draining_) return "the server is stopping";
      auto adopted = wiring_.adopt(wanted->config);
      return adopted ? std::nullopt : std::optional(adopted.error().describe());
    }();
    if (fault) {
      for (const auto& listener : *opened) {
        if (listener.file) listener.file->remove();
      }
      return refused(*fault);
    }
    commit_reload(std::move(*wanted), std::move(*opened), answer);
  });
}

void Master::commit_reload(conf::Settings settings, std::vector<Listener> opened,
                           const Answer& answer) {
  settings_ = std::move(settings);
  *log_ = wiring_.open_log(config());
  pool_.change(pool_settings(config()));
  ++generation_;
  auto removed = listeners_.change(config(), std::move(opened));
  sweep_backlog(std::move(removed));
  bool same_http = http_.is_open() && config().http.listen == http_.endpoint();
  if (!same_http) {
    http_.close();
    if (auto done = open_http({}); !done) {
      log_->error("no metrics", {{"cause", done.error().describe()}});
    }
  }
  reload_answer_ = answer;
  tend();
}

// In force means that nobody is greeted by a worker of before any more.
void Master::answer_reload() {
  if (!reload_answer_ || ready_generation_ != generation_) return;
  if (workers_.any_waiting_before(generation_)) return;
  log_->info("reloaded", {{"generation", generation_}});
  manager_.tell("READY=1\nSTATUS=serving");
  end_reload(true, "reloaded, configuration " + std::to_string(generation_));
}

void Master::end_reload(bool ok, const std::string& text) {
  busy_ = false;
  auto answer = std::exchange(reload_answer_, nullptr);
  if (answer) answer(ok, text);
  for (const auto& action : std::exchange(when_done_, {})) action();
}

}  // namespace handoff::master
