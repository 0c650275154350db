// The master's state and what it does, in four parts: workforce.cc keeps the workers, reload.cc and
// upgrade.cc change what they work with, control.cc answers who asks. master.cc begins and ends.
#pragma once

#include <signal.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "master/children.hh"
#include "master/event_loop.hh"
#include "master/health.hh"
#include "master/history.hh"
#include "master/http_server.hh"
#include "master/listeners.hh"
#include "master/master.hh"
#include "master/own_socket.hh"
#include "master/pool.hh"
#include "master/snapshot.hh"
#include "master/spool_space.hh"
#include "master/worker_table.hh"
#include "sys/clock.hh"
#include "sys/daemon.hh"
#include "sys/pipe.hh"
#include "sys/service_manager.hh"

namespace handoff::master {

// How long a check or a trial may take: a spool on a network, a slow name service.
inline constexpr std::chrono::seconds kTrialLimit{30};

inline std::uint64_t steady_milliseconds() {
  auto now = sys::Steady::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

inline std::int64_t unix_time() {
  return static_cast<std::int64_t>(sys::Wall::to_time_t(sys::Wall::now()));
}

inline PoolSettings pool_settings(const conf::Config& config) {
  return {config.workers.max, config.workers.min_idle, config.workers.max_idle};
}

class Master {
 public:
  Master(conf::Settings settings, const Wiring& wiring, board::Board board, sys::Pipe life,
         sys::Pipe bell);

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
  // A delivery process for the worker that is about to be started: the worker's way to it.
  sys::Fd start_delivery();
  void sweep_backlog(std::vector<Listener> removed);
  void ended(std::size_t slot, int status);
  void answer_bell();
  void became_ready();
  void kill_stuck();
  void stop_if_idle();
  void tick();
  void stop_if_empty();
  // Sweeps the spool where it is time to.
  void sweep_spool();

  // --- What is asked of it.
  // `signal`: what workers are sent, SIGTERM or sys::kRetire.
  void drain(std::string_view cause, int signal = SIGTERM);
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
  using Show = std::function<std::string(const Snapshot&)>;
  // Replies with what `text` makes of a snapshot, as soon as one can be had.
  void show(const Exchange& exchange, const char* media_type, const Show& text);
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

  sys::Steady::time_point last_session_ = sys::Steady::now();  // as far as ticks have seen
  std::uint64_t sessions_seen_ = 0;

  std::optional<sys::Steady::time_point> swept_when_;  // when the last sweep began
  pid_t spool_sweeper_ = 0;                            // the process that sweeps; 0: none does

  std::int64_t started_;
  unsigned reloads_refused_ = 0;
  unsigned upgrades_ = 0;
  std::uint64_t deaths_ = 0;
  std::uint64_t killed_ = 0;

  Health health_{loop_, children_};
  SpoolSpace spool_space_{loop_, children_};
};

}  // namespace handoff::master
