// The part of the master that answers requests of the status processes.
#include <sysexits.h>

#include <utility>

#include "board/snapshot.hh"
#include "master/birth.hh"
#include "master/state.hh"
#include "sys/process.hh"
#include "sys/sockets.hh"
#include "worker/examination.hh"

namespace handoff::master {

Status Master::open_control(sys::Fd given) {
  auto listener = control_listener(config(), std::move(given));
  if (!listener) return listener.error();
  control_.open(std::move(listener).value());
  return {};
}

Status Master::open_http(sys::Fd given) {
  if (!config().http.listen) return {};
  auto listener = http_listener(config(), std::move(given));
  if (!listener) return listener.error();
  http_.open(std::move(listener).value());
  return {};
}

// In the child.
int Master::run_status(const status::Options& options, const sys::Fd& listener,
                       const sys::Fd& channel) {
  if (start_.program) {
    auto failed = execute_status(start_.program, settings_, options, listener, channel,
                                 {.detach = start_.background.has_value()});
    log_->error("no status process", {{"cause", failed.describe()}});
    return EX_OSERR;
  }
  if (start_.background) start_.background->detach();
  assets_ = {};  // contains the private key
  forget_secrets();
  workers_.forget_board();
  return master::run_status(config(), *log_, options, listener, channel);
}

void Master::serve(StatusProcess& process, Ask ask) {
  switch (ask) {
    case Ask::kSnapshot:
      examine([this, &process] { process.answer(Ask::kSnapshot, true, board::pack(snapshot())); });
      break;
    case Ask::kHealth:
      answer_health(process);
      break;
    case Ask::kReady:
      // If this program is about to be replaced, the next one answers.
      if (ready_generation_ == generation_ && phase_ != Phase::kReplacing) answer_ready();
      break;
    case Ask::kReload:
      reload(true);
      break;
    case Ask::kUpgrade:
      upgrade(true);
      break;
    case Ask::kDrain:
      if (serving()) drain("handoffctl");
      process.answer(ask, true, "draining, pid " + std::to_string(sys::own_pid()));
      break;
  }
}

// Runs in a child, because a remote filesystem or a lookup may not answer.
void Master::examine(std::function<void()> then) {
  examining_.ask(
      [this](const sys::Fd& text) {
        listeners_.abandon();
        forget_key_and_board();
        auto lookups = worker::start_examined_lookups(config(), *log_, assets_.modules);
        forget_secrets();
        return worker::examine(config(), assets_.tables, std::move(lookups), text);
      },
      [this, then = std::move(then)](const Report& report) {
        examination_ = board::read_report(report.output, report.ok);
        then();
      });
}

// Also examines every listener, which must greet.
void Master::answer_health(StatusProcess& process) {
  if (!serving()) return process.answer(Ask::kHealth, false, "draining");
  examine([] {});  // runs while the listeners are examined
  greeting_.ask(
      [this](const sys::Fd& text) {
        std::vector<Endpoint> endpoints;
        for (const auto& listener : listeners_.listeners()) endpoints.push_back(listener.endpoint);
        listeners_.abandon();
        forget_secrets();
        forget_key_and_board();
        return worker::greet(config(), endpoints, text);
      },
      [this, &process](const Report& report) {
        examine([this, &process, report] {
          auto now = snapshot(board::read_report(report.output, report.ok).findings);
          process.answer(Ask::kHealth, now.condition != board::Condition::kNotDelivering,
                         board::verdict_text(now));
        });
      });
}

void Master::answer_ready() {
  control_.answer(
      Ask::kReady, true,
      "serving, pid " + std::to_string(sys::own_pid()) + ", upgrades " + std::to_string(upgrades_));
}

// `more`: findings besides those of the examination.
board::Snapshot Master::snapshot(std::vector<board::Finding> more) {
  board::Snapshot out;
  out.version = PACKAGE_VERSION;
  out.hostname = config().hostname;
  out.state = !serving() ? "draining" : ready_generation_ == 0 ? "starting" : "";
  out.pid = sys::own_pid();
  out.now = unix_time();
  out.started = started_;
  out.generation = configuration();
  out.reloads_refused = reloads_refused_;
  out.upgrades = upgrades_;
  for (const auto& listener : listeners_.listeners())
    out.listen.push_back(listener.endpoint.text());
  out.spool = config().spool.path;
  out.spool_changes = spool_changes_;
  out.space = examination_.space;
  out.outgoing = examination_.outgoing;
  out.workers_max = config().workers.max;
  out.deaths = deaths_;
  out.killed = killed_;
  out.throttles = pool_.throttles();
  // A connection of handoffctl doctor or of a health check may just have been the last that a
  // worker could serve, so the present moment decides.
  out.full = pool_.full() && sys::connection_waits(listeners_.all());
  out.throttled = pool_.throttled(sys::Steady::now());
  workers_.describe(out);
  out.departing += static_cast<unsigned>(adopted_.size());
  out.minute = history_.minute(out.totals, sys::Steady::now());
  out.recent = history_.recent();
  out.failures = history_.failures();
  out.findings = std::move(more);
  out.findings.insert(out.findings.end(), examination_.findings.begin(),
                      examination_.findings.end());
  board::judge(out);
  return out;
}

}  // namespace handoff::master
