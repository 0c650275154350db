#include "master/master.hh"

#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>

#include "conf/error.hh"
#include "master/children.hh"
#include "master/errand.hh"
#include "master/event_loop.hh"
#include "master/history.hh"
#include "master/http_server.hh"
#include "master/listeners.hh"
#include "master/metrics.hh"
#include "master/page.hh"
#include "master/pool.hh"
#include "master/status_report.hh"
#include "master/worker_table.hh"
#include "sys/clock.hh"
#include "sys/daemon.hh"
#include "sys/pipe.hh"
#include "sys/process.hh"
#include "sys/service_manager.hh"
#include "sys/signals.hh"

namespace handoff::master {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The pool is looked at this often; what is urgent rings the bell.
constexpr milliseconds kTick{1000};
// More workers than any setting allows, and as many again on their way out. Costs address space.
constexpr std::size_t kBoardSlots = 20'000;
// How long a check or a trial may take: a spool on a network, a slow name service.
constexpr seconds kTrialLimit{30};
// How long a probe for /healthz may take, and for how long its result stands.
constexpr seconds kProbeLimit{5};
constexpr seconds kProbeStands{2};
constexpr int kControlBacklog = 64;
constexpr std::uint32_t kControlMode = 0600;

PoolSettings pool_settings(const conf::Config& config) {
  return {config.workers.max, config.workers.min_idle, config.workers.max_idle};
}

std::uint64_t steady_milliseconds() {
  auto now = sys::Steady::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count());
}

std::int64_t unix_time() {
  return static_cast<std::int64_t>(sys::Wall::to_time_t(sys::Wall::now()));
}

// A socket of the master's own.
struct OwnSocket {
  Listener listener;
  std::unique_ptr<HttpServer> server;
  bool is_open() const { return !listener.fds.empty(); }
  void close() {
    server.reset();
    if (listener.file) listener.file->remove();
    listener = {};
  }
};

class Master {
 public:
  Master(conf::Settings settings, const Wiring& wiring, board::Board board, sys::Pipe life,
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

  // Binds, or takes what it is given; the exit code where it cannot.
  std::optional<int> begin(Origin origin);
  int run();

 private:
  // How a reload or upgrade ends, for whoever asked.
  using Answer = std::function<void(bool ok, const std::string& text)>;

  const conf::Config& config() const { return settings_.config; }
  bool serving() const { return !draining_; }

  // --- The pool.
  void tend();
  std::optional<std::size_t> start_worker(bool sweeper,
                                          const std::vector<const sys::Fd*>& listeners);
  void sweep_backlog(std::vector<Listener> removed);
  void ended(std::size_t slot, int status);
  void answer_bell();
  void became_ready();
  void kill_stuck();
  void tick();
  void stop_if_empty();

  // --- What is asked of it.
  void drain(std::string_view cause);
  void reload(const Answer& answer);
  void commit_reload(conf::Settings settings, std::vector<Listener> opened, const Answer& answer);
  void upgrade(const Answer& answer);
  void replace_program(const Answer& answer);
  Handover handover();
  void mark_over_exec(bool keep);
  bool one_at_a_time(const Answer& answer);
  void answer_reload();
  void end_reload(bool ok, const std::string& text);
  // The answer for a signal: the log has it already.
  static void nobody(bool, const std::string&) {}

  // --- Sockets of its own.
  Status open_control(sys::Fd given);
  Status open_http(sys::Fd given);
  void control(const Exchange& exchange);
  void http(const Exchange& exchange);
  void health(const Exchange& exchange);
  Snapshot snapshot() const;

  void part_from_master();

  const Wiring& wiring_;
  conf::Settings settings_;
  std::unique_ptr<sys::Log> log_;
  Listeners listeners_;
  sys::Pipe life_;  // its write end is the master's alone: workers see it close
  sys::Pipe bell_;
  EventLoop loop_;
  Children children_;
  Pool pool_;
  WorkerTable workers_;
  History history_;
  sys::ServiceManager manager_;
  std::optional<sys::PidFile> pid_file_;
  OwnSocket control_;
  OwnSocket http_;

  std::vector<pid_t> adopted_;  // workers of the image before this one
  unsigned generation_ = 1;     // of the configuration
  unsigned ready_generation_ = 0;
  bool draining_ = false;
  bool stopped_ = false;
  bool busy_ = false;       // with a reload or an upgrade
  bool replacing_ = false;  // about to become the new program
  std::vector<Exchange> ready_asked_;
  int exit_code_ = EX_OK;
  Answer reload_answer_;                           // owed when its generation works, or does not
  std::vector<std::function<void()>> when_done_;   // with the reload or upgrade under way
  std::vector<std::function<void()>> when_ready_;  // a worker of this generation can accept
  std::map<std::size_t, std::vector<Listener>> swept_;  // what each sweeper, by its slot, empties

  std::int64_t started_;
  unsigned reloads_refused_ = 0;
  unsigned upgrades_ = 0;
  std::uint64_t deaths_ = 0;
  std::uint64_t killed_ = 0;

  std::optional<Report> health_;
  sys::Steady::time_point health_when_{};
  std::vector<Exchange> health_asked_;
};

// --- Beginning.

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
    control = sys::take_over(from.control);
    http = sys::take_over(from.http);
    if (!config().http.listen || from.http_endpoint != config().http.listen->text()) http.reset();
    auto pid_file = sys::take_over(from.pid_file);
    if (pid_file && from.pid_file_path == config().pid_file) {
      pid_file_.emplace(sys::PidFile::adopt(from.pid_file_path, std::move(pid_file)));
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
  for (auto* own : {&control_, &http_}) {
    if (auto* server = own->server.release()) server->let_go_in_child();
  }
  loop_.free_in_child();
  life_.write.reset();
  bell_.read.reset();
  for (auto* own : {&control_, &http_}) own->listener.fds.clear();
}

// --- The pool.

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
  auto pid = children_.start(
      [&] {
        return wiring_.worker(
            config(), *log_,
            {listeners, workers_.board(), *slot, life_.read, bell_.write, sweeper});
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
    log_->error(
        "worker died",
        {{"worker", gone.process.pid}, {"how", how_it_ended(status)}, {"sessions", gone.sessions}});
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
    end_reload(false, "no worker could start with it, the log says why; the old ones serve on");
  }
  answer_reload();
  tend();
  stop_if_empty();
}

void Master::stop_if_empty() {
  if (!draining_ || stopped_ || !workers_.empty() || !adopted_.empty()) return;
  stopped_ = true;
  log_->info("stopped");
  // Whoever asked for it has the answer by then.
  loop_.after(milliseconds(10), [this] { loop_.stop(); });
}

void Master::answer_bell() {
  std::array<char, 256> rings;
  while (::read(bell_.read.get(), rings.data(), rings.size()) > 0) {
  }
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
  for (pid_t pid : adopted_) ::kill(pid, sys::kRetire);
  manager_.tell("READY=1\nSTATUS=serving");
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
  for (const auto& action : std::exchange(when_ready_, {})) action();
}

// In force means that nobody is greeted by a worker of before any more.
void Master::answer_reload() {
  if (!reload_answer_ || ready_generation_ != generation_) return;
  if (workers_.any_waiting_before(generation_)) return;
  log_->info("reloaded", {{"generation", generation_}});
  end_reload(true, "reloaded, configuration " + std::to_string(generation_));
}

void Master::end_reload(bool ok, const std::string& text) {
  busy_ = false;
  auto answer = std::exchange(reload_answer_, nullptr);
  if (answer) answer(ok, text);
  for (const auto& action : std::exchange(when_done_, {})) action();
}

void Master::tick() {
  answer_reload();
  kill_stuck();
  workers_.each([&](const board::Slot& slot, WorkerProcess& process) {
    history_.take_failure(slot, process.failures_seen);
  });
  history_.take(workers_.totals(), sys::Steady::now());
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

// S11: nobody can connect any more, workers end what they have begun. The second time: at once.
void Master::drain(std::string_view cause) {
  if (std::exchange(draining_, true)) {
    log_->warning("stopping at once", {{"cause", cause}});
    workers_.signal_all(SIGKILL);
    for (pid_t pid : adopted_) ::kill(pid, SIGKILL);
    return;
  }
  log_->info("draining", {{"cause", cause}});
  manager_.tell("STOPPING=1\nSTATUS=draining");
  // Sockets that systemd or inetd holds are served by whoever comes next.
  if (!listeners_.activated()) workers_.close_shop();
  listeners_.close();
  workers_.signal_all(SIGTERM);
  for (pid_t pid : adopted_) ::kill(pid, SIGTERM);
  stop_if_empty();
}

// --- Reload.

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
  // Bound now, by a master that may do what its workers may not; served when all the rest is well.
  auto missing = listeners_.open_missing(wanted->config);
  if (!missing) return refused(missing.error().describe());
  auto opened = std::make_shared<std::vector<Listener>>(std::move(missing).value());
  auto work = [this, wanted](const sys::Fd& words) {
    auto checked = wiring_.check(wanted->config);
    if (checked) return EX_OK;
    auto text = checked.error().describe();
    [[maybe_unused]] auto ignored = ::write(words.get(), text.data(), text.size());
    return EX_CONFIG;
  };
  run_errand(loop_, children_, kTrialLimit, work, [=, this](const Report& report) {
    if (!report.ok || draining_) {
      for (const auto& listener : *opened) {
        if (listener.file) listener.file->remove();
      }
      return refused(report.ok ? "the server is stopping" : report.text);
    }
    commit_reload(std::move(*wanted), std::move(*opened), answer);
  });
}

void Master::commit_reload(conf::Settings settings, std::vector<Listener> opened,
                           const Answer& answer) {
  settings_ = std::move(settings);
  *log_ = wiring_.open_log(config());
  wiring_.adopt(config());
  pool_.change(pool_settings(config()));
  ++generation_;
  auto removed = listeners_.change(config(), std::move(opened));
  sweep_backlog(std::move(removed));
  bool same_http = http_.is_open() && config().http.listen == http_.listener.endpoint;
  if (!same_http) {
    http_.close();
    if (auto done = open_http({}); !done) {
      log_->error("no metrics", {{"cause", done.error().describe()}});
    }
  }
  reload_answer_ = answer;
  tend();
}

// --- Upgrade.

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
    for (int standard : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(words.get(), standard);
    auto failed = sys::exec_program(wiring_.command, kHandoverVariable, given.pack());
    auto text = failed.describe();
    [[maybe_unused]] auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
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
  if (control_.is_open()) out.control = control_.listener.fds.front().get();
  if (http_.is_open()) {
    out.http = http_.listener.fds.front().get();
    out.http_endpoint = http_.listener.endpoint.text();
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
  return out;
}

void Master::mark_over_exec(bool keep) {
  for (const auto* fd : listeners_.all()) sys::keep_over_exec(*fd, keep);
  for (auto* own : {&control_, &http_}) {
    for (const auto& fd : own->listener.fds) sys::keep_over_exec(fd, keep);
  }
  if (pid_file_) sys::keep_over_exec(pid_file_->descriptor(), keep);
  sys::keep_over_exec(life_.read, keep);
  sys::keep_over_exec(life_.write, keep);
}

// --- Sockets of its own.

Status Master::open_control(sys::Fd given) {
  Endpoint endpoint;
  endpoint.path = config().control_socket;
  if (given && sys::listening_at(given.get()) == endpoint) {
    control_.listener = {endpoint, {}, sys::SocketFile(endpoint.path)};
    control_.listener.fds.push_back(std::move(given));
  } else {
    // Its rights are not those of the sockets that mail comes by.
    sys::SocketRights rights;
    rights.mode = kControlMode;
    auto fds = sys::listen_on(endpoint, kControlBacklog, rights);
    if (!fds) return fds.error();
    control_.listener = {endpoint, std::move(fds).value(), sys::SocketFile(endpoint.path)};
  }
  control_.server =
      std::make_unique<HttpServer>(loop_, control_.listener.fds.front(),
                                   [this](const Exchange& exchange) { control(exchange); });
  return {};
}

Status Master::open_http(sys::Fd given) {
  if (!config().http.listen) return {};
  if (given) {
    http_.listener = {*config().http.listen, {}, std::nullopt};
    http_.listener.fds.push_back(std::move(given));
  } else {
    auto listener = open_listener(*config().http.listen, config());
    if (!listener) return listener.error();
    http_.listener = std::move(listener).value();
  }
  http_.server = std::make_unique<HttpServer>(loop_, http_.listener.fds.front(),
                                              [this](const Exchange& exchange) { http(exchange); });
  return {};
}

void Master::control(const Exchange& exchange) {
  auto answer = [exchange](bool ok, const std::string& text) {
    exchange.reply(ok ? 200 : 409, "text/plain", text + "\n");
  };
  auto is = [&](std::string_view method, std::string_view path) {
    return exchange.method() == method && exchange.path() == path;
  };
  if (is("GET", "/status")) {
    exchange.reply(200, "text/plain; charset=utf-8", status_table(snapshot()));
  } else if (is("GET", "/status.json")) {
    exchange.reply(200, "application/json", status_json(snapshot()));
  } else if (is("GET", "/ready")) {
    auto say = [answer, this] {
      answer(true, "serving, pid " + std::to_string(sys::own_pid()) + ", upgrades " +
                       std::to_string(upgrades_));
    };
    if (replacing_) {
      ready_asked_.push_back(exchange);  // the next program answers, when it is asked again
    } else if (ready_generation_ == generation_) {
      say();
    } else {
      when_ready_.push_back(say);
    }
  } else if (is("POST", "/reload")) {
    reload(answer);
  } else if (is("POST", "/upgrade")) {
    upgrade(answer);
  } else if (is("POST", "/drain")) {
    bool already = draining_;
    if (!already) drain("handoffctl");
    answer(true, "draining, pid " + std::to_string(sys::own_pid()));
  } else {
    exchange.reply(404, "text/plain", "no such command\n");
  }
}

void Master::http(const Exchange& exchange) {
  if (exchange.method() != "GET" && exchange.method() != "HEAD") {
    return exchange.reply(405, "text/plain", "GET and HEAD are all there is\n");
  }
  if (exchange.path() == "/metrics") {
    bool open_metrics = exchange.accepts("application/openmetrics-text");
    exchange.reply(200,
                   open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8",
                   metrics(snapshot(), open_metrics));
  } else if (exchange.path() == "/healthz") {
    health(exchange);
  } else if (exchange.path() == "/") {
    exchange.reply(200, "text/html; charset=utf-8",
                   status_page(snapshot(), config().http.show_addresses));
  } else {
    exchange.reply(404, "text/plain", "/metrics, /healthz and / are all there is\n");
  }
}

// One probe at a time, however many ask.
void Master::health(const Exchange& exchange) {
  auto say = [](const Exchange& to, const Report& report) {
    to.reply(report.ok ? 200 : 503, "text/plain", report.ok ? "ok\n" : report.text + "\n");
  };
  if (draining_) return say(exchange, {false, "draining"});
  bool stands = health_ && sys::Steady::now() < health_when_ + kProbeStands;
  if (stands) return say(exchange, *health_);
  health_asked_.push_back(exchange);
  if (health_asked_.size() > 1) return;
  std::vector<Endpoint> endpoints;
  for (const auto& listener : listeners_.listeners()) endpoints.push_back(listener.endpoint);
  auto work = [this, endpoints](const sys::Fd& words) {
    auto healthy = wiring_.probe(config(), endpoints);
    if (healthy) return EX_OK;
    auto text = healthy.error().describe();
    [[maybe_unused]] auto ignored = ::write(words.get(), text.data(), text.size());
    return EX_UNAVAILABLE;
  };
  run_errand(loop_, children_, kProbeLimit, work, [this, say](const Report& report) {
    health_ = report;
    health_when_ = sys::Steady::now();
    for (const auto& asked : std::exchange(health_asked_, {})) say(asked, report);
  });
}

Snapshot Master::snapshot() const {
  Snapshot out;
  out.version = wiring_.version;
  out.hostname = config().hostname;
  out.state = draining_ ? "draining" : ready_generation_ == 0 ? "starting" : "serving";
  out.pid = sys::own_pid();
  out.now = unix_time();
  out.started = started_;
  out.generation = generation_;
  out.reloads_refused = reloads_refused_;
  out.upgrades = upgrades_;
  for (const auto& listener : listeners_.listeners())
    out.listen.push_back(listener.endpoint.text());
  out.spool = config().spool.path;
  sys::PosixFiles files;
  if (auto root = files.open_root(config().spool.path)) {
    if (auto space = files.space(root.value())) out.space = space.value();
  }
  out.workers_max = config().workers.max;
  out.deaths = deaths_;
  out.killed = killed_;
  out.throttles = pool_.throttles();
  out.throttled = pool_.throttled(sys::Steady::now());
  workers_.describe(out, steady_milliseconds());
  out.departing += static_cast<unsigned>(adopted_.size());
  out.minute = history_.minute(out.totals, sys::Steady::now());
  out.recent = history_.recent();
  out.failures = history_.failures();
  return out;
}

}  // namespace

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
