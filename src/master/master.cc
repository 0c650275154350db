#include "master/master.hh"

#include <signal.h>
#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "master/state.hh"
#include "sys/clock.hh"
#include "sys/process.hh"

namespace handoff::master {
namespace {

using std::chrono::milliseconds;

// The pool is looked at this often; what is urgent rings the bell.
constexpr milliseconds kTick{1000};
// More workers than any setting allows, and as many again on their way out. Costs address space.
constexpr std::size_t kBoardSlots = 20'000;

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

Master::Master(conf::Settings settings, const Wiring& wiring, board::Board board, sys::Pipe life,
               sys::Pipe bell)
    : wiring_(wiring),
      settings_(std::move(settings)),
      log_(std::make_unique<sys::Log>(wiring.open_log(config()))),
      life_(std::move(life)),
      bell_(std::move(bell)),
      children_([this] { part_from_master(); }),
      pool_(pool_settings(config())),
      workers_(std::move(board)),
      manager_(sys::ServiceManager::from_environment()),
      started_(unix_time()) {}

std::optional<int> Master::begin(Origin origin) {
  auto cannot = [&](const Error& error, int exit_code) {
    log_->error("cannot start", {{"cause", error.describe()}});
    listeners_.close();
    control_.close();
    return exit_code;
  };
  sys::Fd control;
  sys::Fd http;
  if (origin.handover) {
    const auto& from = *origin.handover;
    listeners_ = Listeners(listeners_of(from), from.activated);
    if (auto totals = board::Totals::unpack(from.totals)) workers_.carry_on(*totals);
    deaths_ = from.deaths;
    killed_ = from.killed;
    reloads_refused_ = from.reloads_refused;
    control = sys::take_over(from.control);
    // Elsewhere from now on: nobody listens at the old place.
    auto at = control ? sys::listening_at(control.get()) : std::nullopt;
    if (at && at->is_unix && at->path != config().control_socket) {
      sys::SocketFile(at->path).remove();
      control.reset();
    }
    http = sys::take_over(from.http);
    if (!config().http.listen || from.http_endpoint != config().http.listen->text()) http.reset();
    auto pid_file = sys::take_over(from.pid_file);
    if (pid_file) {
      auto adopted = sys::PidFile::adopt(from.pid_file_path, std::move(pid_file));
      // One that is not ours any more is removed here.
      if (from.pid_file_path == config().pid_file) pid_file_.emplace(std::move(adopted));
    }
    upgrades_ = from.upgrades + 1;
    started_ = from.started;
    for (pid_t pid : from.workers) {
      adopted_.push_back(pid);
      children_.adopt(pid, [this, pid](int) {
        std::erase(adopted_, pid);
        stop_if_empty();
      });
    }
  } else if (!origin.activated.empty()) {
    std::vector<Listener> given;
    for (auto& socket : origin.activated) {
      if (!socket.endpoint.is_unix && socket.endpoint.port == 25) {
        return cannot({EINVAL, "LMTP must not be used on TCP port 25 (RFC 2033 5)", {}}, EX_CONFIG);
      }
      given.push_back({socket.endpoint, {}, std::nullopt});
      given.back().fds.push_back(std::move(socket.fd));
    }
    listeners_ = Listeners(std::move(given), true);
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
  sweep_backlog(std::move(removed));
  return std::nullopt;
}

int Master::run() {
  loop_.on_signal(SIGTERM, [this] { drain("SIGTERM"); });
  loop_.on_signal(SIGINT, [this] { drain("SIGINT"); });
  loop_.on_signal(SIGHUP, [this] { reload(nobody); });
  loop_.on_signal(SIGUSR2, [this] { upgrade(nobody); });
  loop_.on_signal(SIGPIPE, [] {});  // whoever asked over HTTP has gone
  loop_.on_signal(SIGCHLD, [this] { children_.reap(); });
  // Blocked over an exec; what came meanwhile comes now.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  loop_.on_readable(bell_.read.get(), [this] { answer_bell(); });
  loop_.every(kTick, [this] { tick(); });
  if (auto interval = manager_.watchdog()) {
    loop_.every(*interval, [this] { manager_.tell("WATCHDOG=1"); });
  }
  history_.take(workers_.totals(), sys::Steady::now());
  children_.reap();  // those that ended while there was no loop
  tend();
  loop_.run();
  // Whoever waits for our end watches the control socket: when that is gone, all is.
  http_.close();
  pid_file_.reset();
  control_.close();
  return exit_code_;
}

// In a child: what only the master may hold.
void Master::part_from_master() {
  loop_.part_from_parent();
  for (auto* own : {&control_, &http_}) own->let_go_in_child();
  loop_.free_in_child();
  life_.write.reset();
  bell_.read.reset();
  for (auto* own : {&control_, &http_}) own->close_in_child();
}

int run(conf::Settings settings, const Wiring& wiring, Origin origin) {
  auto log = wiring.open_log(settings.config);
  auto cannot = [&](const Error& error) {
    log.error("cannot start", {{"cause", error.describe()}});
    return EX_OSERR;
  };
  auto board = board::Board::create(kBoardSlots);
  if (!board) return cannot(board.error());
  // Old workers watch the pipe of the image before this one: it is the same.
  sys::Pipe life;
  if (origin.handover) {
    life.read = sys::take_over(origin.handover->life_read);
    life.write = sys::take_over(origin.handover->life_write);
  }
  if (!life.read || !life.write) {
    auto made = sys::open_pipe();
    if (!made) return cannot(made.error());
    life = std::move(made).value();
  }
  auto bell = sys::open_pipe();
  if (!bell) return cannot(bell.error());
  Master master(std::move(settings), wiring, std::move(board).value(), std::move(life),
                std::move(bell).value());
  if (auto failed = master.begin(std::move(origin))) return *failed;
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
