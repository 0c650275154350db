#include "master/master.hh"

#include <signal.h>
#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "conf/command_line.hh"
#include "master/state.hh"
#include "sys/process.hh"
#include "sys/sockets.hh"
#include "sys/title.hh"

namespace handoff::master {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// How often the pool is checked; urgent changes are notified by the wakeup pipe.
constexpr milliseconds kTick{1000};
// Twice the number of workers that any setting allows, because as many again may be about to end.
// Unused slots cost only address space.
constexpr std::size_t kBoardSlots = 20'000;
// The time limit for an examination (handoffctl waits for ten seconds), and how long its result
// stays valid.
constexpr seconds kProbeLimit{5};
constexpr milliseconds kProbeValid{2000};

std::vector<Listener> listeners_of(const Handover& handover) {
  std::vector<Listener> out;
  for (const auto& [endpoint, number] : handover.listeners) {
    auto fd = sys::take_over(number);
    if (!fd) continue;
    auto same = std::ranges::find(out, endpoint, &Listener::endpoint);
    if (same == out.end()) {
      out.push_back({endpoint, {}, std::nullopt});
      same = out.end() - 1;
      if (endpoint.is_unix && !handover.activated) same->file.emplace(endpoint.path);
    }
    same->fds.push_back(std::move(fd));
  }
  return out;
}

}  // namespace

Master::Master(Start start, worker::Assets assets, board::Board board, sys::Pipe life,
               sys::Pipe wakeup)
    : start_(std::move(start)),
      settings_(std::move(start_.settings)),
      log_(std::make_unique<sys::Log>(start_.open_log(config()))),
      assets_(std::move(assets)),
      life_(std::move(life)),
      wakeup_(std::move(wakeup)),
      children_([this] { leave_master(); }),
      fork_server_(
          children_, [this](const sys::Fd& channel) { return run_fork_server(channel); },
          [this](unsigned generation, int status) {
            if (status != 0) {
              log_->error("fork server died", {{"how", sys::how_it_ended(status)}});
              cannot_start(generation, status);
            }
            stop_if_empty();
          }),
      pool_(pool_settings(config())),
      workers_(std::move(board)),
      manager_(sys::ServiceManager::from_environment()),
      control_(
          loop_, children_, status::kCommands,
          [this](const sys::Fd& listener, const sys::Fd& channel) {
            return run_status({.commands = true}, listener, channel);
          },
          [this](Ask ask) { serve(control_, ask); }),
      http_(
          loop_, children_, status::kQuestions,
          [this](const sys::Fd& listener, const sys::Fd& channel) {
            return run_status({.show_addresses = config().http.show_addresses}, listener, channel);
          },
          [this](Ask ask) { serve(http_, ask); }),
      examining_(loop_, children_, kProbeLimit, kProbeValid),
      greeting_(loop_, children_, kProbeLimit, kProbeValid) {
  log_->echo_errors(start_.echo_errors);
}

std::optional<int> Master::begin() {
  auto cannot = [&](const Error& error, int exit_code) {
    log_->error("cannot start", {{"cause", error.describe()}});
    listeners_.close();
    control_.close();
    stop_keeper();
    return exit_code;
  };
  if (!start_.handover) {
    if (auto failed = take_spool()) return failed;
  }
  sys::Fd control;
  sys::Fd http;
  if (start_.handover) {
    inherit(*start_.handover, control, http);
    start_.handover.reset();
  } else if (!start_.activated.empty()) {
    if (auto done = use_given_sockets(); !done) return cannot(done.error(), EX_CONFIG);
  }
  if (!pid_file_ && !config().pid_file.empty()) {
    auto created = sys::PidFile::create(config().pid_file);
    if (!created) return cannot(created.error(), EX_CANTCREAT);
    pid_file_.emplace(std::move(created).value());
  }
  auto opened = listeners_.open_missing(config());
  if (!opened) return cannot(opened.error(), EX_UNAVAILABLE);
  auto removed = listeners_.change(config(), std::move(opened).value());
  if (auto done = open_control(std::move(control)); !done) {
    return cannot(done.error(), EX_UNAVAILABLE);
  }
  if (auto done = open_http(std::move(http)); !done) return cannot(done.error(), EX_UNAVAILABLE);
  serve_backlog(std::move(removed));
  return std::nullopt;
}

// Takes over the descriptors and processes of the previous program image.
void Master::inherit(const Handover& from, sys::Fd& control, sys::Fd& http) {
  listeners_ = Listeners(listeners_of(from), from.activated);
  if (auto totals = board::Totals::unpack(from.totals)) workers_.carry_on(*totals);
  if (auto backends = board::unpack_backends(from.backends)) {
    for (auto& backend : *backends) backend.connections = 0;
    workers_.carry_on(*std::move(backends));
  }
  deaths_ = from.deaths;
  killed_ = from.killed;
  reloads_refused_ = from.reloads_refused;
  upgrades_ = from.upgrades + 1;
  started_ = from.started;
  control = sys::take_over(from.control);
  // If control.socket has changed, nobody listens at the old path any more.
  auto at = control ? sys::listening_at(control.get()) : std::nullopt;
  if (at && at->is_unix && at->path != config().control_socket) {
    sys::SocketFile(at->path).remove();
    control.reset();
  }
  http = sys::take_over(from.http);
  if (!config().http.listen || from.http_endpoint != config().http.listen->text()) http.reset();
  if (auto pid_file = sys::take_over(from.pid_file)) {
    auto adopted = sys::PidFile::adopt(from.pid_file_path, std::move(pid_file));
    // A pid file that is no longer configured is removed here.
    if (adopted && from.pid_file_path == config().pid_file) {
      pid_file_.emplace(std::move(adopted).value());
    }
  }
  if (from.keeper != 0) adopt_keeper(from.keeper);
  for (pid_t pid : from.workers) {
    adopted_.push_back(pid);
    children_.adopt(pid, [this, pid](int) {
      std::erase(adopted_, pid);
      stop_if_empty();
    });
  }
}

// Takes the sockets that systemd or inetd passed.
Status Master::use_given_sockets() {
  std::vector<Listener> given;
  for (auto& socket : start_.activated) {
    if (!socket.endpoint.is_unix && socket.endpoint.port == 25) {
      return explained(EINVAL, "LMTP must not be used on TCP port 25 (RFC 2033 5)");
    }
    given.push_back({socket.endpoint, {}, std::nullopt});
    given.back().fds.push_back(std::move(socket.fd));
  }
  start_.activated.clear();
  listeners_ = Listeners(std::move(given), true);
  return {};
}

int Master::run() {
  const auto& file = start_.line.config_file;
  sys::set_title("master, " + (file.empty() ? std::string(conf::kDefaultFile) : file));
  loop_.on_signal(SIGTERM, [this] { drain("SIGTERM"); });
  loop_.on_signal(SIGINT, [this] { drain("SIGINT"); });
  loop_.on_signal(SIGHUP, [this] { reload(false); });
  loop_.on_signal(SIGUSR2, [this] { upgrade(false); });
  loop_.on_signal(SIGPIPE, [] {});  // a status process has ended
  loop_.on_signal(SIGCHLD, [this] { children_.reap(); });
  // Signals were blocked during the exec; pending ones are delivered now.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  watch_wakeup();
  loop_.every(kTick, [this] { tick(); });
  if (auto interval = manager_.watchdog()) {
    loop_.every(*interval, [this] { manager_.tell("WATCHDOG=1"); });
  }
  history_.record(workers_.totals(), sys::Steady::now());
  children_.reap();  // those that ended before the loop started
  adjust_pool();
  loop_.run();
  // Clients that wait for our exit watch the control socket, so it is removed last.
  http_.close();
  pid_file_.reset();
  control_.close();
  return exit_code_;
}

// Runs in a child: closes what only the master may hold.
void Master::leave_master() {
  loop_.part_from_parent();
  wakeup_watch_.reset();
  control_.close_in_child();
  http_.close_in_child();
  fork_server_.close_in_child();
  loop_.free_in_child();
  life_.write.reset();
  wakeup_.read.reset();
}

int run(Start start, worker::Assets assets) {
  auto log = start.open_log(start.settings.config);
  log.echo_errors(start.echo_errors);
  auto cannot = [&](const Error& error) {
    log.error("cannot start", {{"cause", error.describe()}});
    return EX_OSERR;
  };
  auto board = board::Board::create(kBoardSlots);
  if (!board) return cannot(board.error());
  // Workers of the previous program image watch its pipe, so the same one is used.
  sys::Pipe life;
  if (start.handover) {
    life.read = sys::take_over(start.handover->life_read);
    life.write = sys::take_over(start.handover->life_write);
  }
  if (!life.read || !life.write) {
    auto made = sys::open_pipe();
    if (!made) return cannot(made.error());
    life = std::move(made).value();
  }
  auto wakeup = sys::open_pipe();
  if (!wakeup) return cannot(wakeup.error());
  Master master(std::move(start), std::move(assets), std::move(board).value(), std::move(life),
                std::move(wakeup).value());
  if (auto failed = master.begin()) return *failed;
  return master.run();
}

Status try_to_listen(const conf::Config& config, const Handover& handover) {
  Listeners listeners(listeners_of(handover), handover.activated);
  auto opened = listeners.open_missing(config);
  if (!opened) return opened.error();
  for (const auto& listener : opened.value()) {
    if (listener.file) listener.file->remove();
  }
  if (config.http.listen && config.http.listen->text() != handover.http_endpoint) {
    auto http = open_listener(*config.http.listen, config);
    if (!http) return http.error();
  }
  return {};
}

}  // namespace handoff::master
