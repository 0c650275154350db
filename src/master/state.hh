// The master's state and its functions, in three parts: workforce.cc manages the workers, change.cc
// reloads and upgrades, answers.cc answers the status processes. master.cc starts and ends.
#pragma once

#include <signal.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "board/snapshot.hh"
#include "master/children.hh"
#include "master/errand.hh"
#include "master/fork_server.hh"
#include "master/history.hh"
#include "master/listeners.hh"
#include "master/master.hh"
#include "master/phase.hh"
#include "master/pool.hh"
#include "master/status_process.hh"
#include "master/worker_table.hh"
#include "status/event_loop.hh"
#include "status/process.hh"
#include "sys/clock.hh"
#include "sys/daemon.hh"
#include "sys/fd.hh"
#include "sys/service_manager.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::master {

// The time limit for trying a configuration or program: the spool may be on a network, and a name
// service may be slow.
inline constexpr std::chrono::seconds kTrialLimit{30};

inline std::int64_t unix_time() {
  return static_cast<std::int64_t>(sys::Wall::to_time_t(sys::Wall::now()));
}

inline PoolSettings pool_settings(const conf::Config& config) {
  return {config.workers.max, config.workers.min_idle, config.workers.max_idle};
}

class Master {
 public:
  Master(Start start, worker::Assets assets, board::Board board, sys::Pipe life, sys::Pipe wakeup);

  // Binds the sockets, or takes those that were passed to it. Returns the exit code if this fails.
  std::optional<int> begin();
  int run();

 private:
  const conf::Config& config() const { return settings_.config; }
  bool serving() const { return !is_stopping(phase_); }

  // --- begin().
  void inherit(const Handover& from, sys::Fd& control, sys::Fd& http);
  Status use_given_sockets();

  // --- The spool, which one host has at a time.
  std::optional<int> take_spool();
  void await_spool(const sys::Fd& from, std::string& answer);
  void adopt_keeper(pid_t pid);
  void keeper_ended();
  void stop_keeper();

  // --- The workers.
  void adjust_pool();
  std::optional<std::size_t> start_worker(bool until_empty,
                                          const std::vector<const sys::Fd*>& listeners);
  Result<pid_t> fork_worker(const worker::Inheritance& inherited);
  int run_fork_server(const sys::Fd& channel);
  void cannot_start(unsigned generation, int status);
  // A process beside a worker, and the worker's end of the socket between them.
  struct Companion {
    pid_t process = 0;
    sys::Fd socket;
  };
  Result<Companion> start_companion(std::function<int(sys::Fd&)> serve,
                                    std::function<void(int)> ended);
  Result<Companion> start_delivery();
  Result<Companion> start_lookups();
  Result<Companion> start_filter();
  void serve_backlog(std::vector<Listener> removed);
  void ended(std::size_t slot, int status);
  void replace_workers();
  void watch_wakeup();
  void answer_wakeup();
  void became_ready();
  void kill_stuck();
  void stop_if_idle();
  void tick();
  void stop_if_empty();
  void sweep_spool();
  void adjust_sender();
  void stop_sender();
  // `signal`: the signal for the workers, SIGTERM or sys::kRetire.
  void drain(std::string_view cause, int signal = SIGTERM);

  // --- Reloads and upgrades. `asked`: a status process waits for the answer.
  void reload(bool asked);
  Result<conf::Settings> load();
  void take_reload(conf::Settings settings, std::vector<Listener> opened);
  void refuse_reload(const std::string& why);
  void finish_switch();
  void upgrade(bool asked);
  void replace_program();
  void end_change(bool ok, const std::string& text);
  Handover handover();
  void keep_over_exec(bool keep);

  // --- The status processes.
  Status open_control(sys::Fd given);
  Status open_http(sys::Fd given);
  void serve(StatusProcess& process, Ask ask);
  void answer_ready();
  int run_status(const status::Options& options, const sys::Fd& listener, const sys::Fd& channel);
  board::Snapshot snapshot(std::vector<board::Finding> more = {});
  // Calls `then` as soon as there is a recent examination of the spool and the lookups.
  void examine(std::function<void()> then);
  void answer_health(StatusProcess& process);

  void leave_master();
  // In a child that is not a lookup process: overwrites the passwords of databases.
  void forget_secrets();
  // In a child that needs neither the private key nor the board.
  void forget_key_and_board();
  // Returns the number of the configuration in force: 1, and one more with each reload.
  unsigned configuration() const { return generation_ - spool_changes_; }

  struct Candidate;  // a configuration that is being tried
  Start start_;
  conf::Settings settings_;
  std::unique_ptr<sys::Log> log_;
  worker::Assets assets_;
  Listeners listeners_;
  sys::Pipe life_;  // only the master has the write end, so workers notice the end of the master
  sys::Pipe wakeup_;
  EventLoop loop_;
  Children children_;
  ForkServer fork_server_;
  Pool pool_;
  WorkerTable workers_;
  History history_;
  sys::ServiceManager manager_;
  std::optional<sys::PidFile> pid_file_;
  StatusProcess control_;
  StatusProcess http_;
  std::unique_ptr<EventLoop::Watch> wakeup_watch_;

  Phase phase_ = Phase::kStarting;
  unsigned generation_ = 1;        // of the workers that are started now
  unsigned ready_generation_ = 0;  // the latest with a worker that was ready; 0: none
  std::optional<Ask> waiting_;     // the request to answer when this reload or upgrade ends
  std::weak_ptr<Candidate> candidate_;
  std::string reload_note_;          // the changed settings that a reload does not apply
  std::optional<bool> next_reload_;  // requested meanwhile; true: by a status process
  std::vector<pid_t> adopted_;       // workers of the previous program image
  std::map<std::size_t, std::vector<Listener>>
      closing_;  // by the slot of the worker that serves their backlog
  int exit_code_ = EX_OK;

  sys::Steady::time_point last_session_ = sys::Steady::now();  // according to the last tick
  std::uint64_t sessions_seen_ = 0;
  std::optional<sys::Steady::time_point> swept_when_;  // when the last sweep of the spool began
  pid_t spool_sweeper_ = 0;                            // the process that sweeps; 0: none
  pid_t keeper_ = 0;                // the process that keeps the spool for this host; 0: none
  bool keeper_told_ = false;        // it was told to end
  pid_t sender_ = 0;                // the process that sends the messages of scripts; 0: none
  unsigned sender_generation_ = 0;  // of its settings
  bool sender_told_ = false;        // it was told to end
  sys::Steady::time_point sender_not_before_;

  std::int64_t started_ = unix_time();
  unsigned reloads_refused_ = 0;
  unsigned upgrades_ = 0;
  std::uint64_t deaths_ = 0;
  unsigned spool_changes_ = 0;  // each of them starts a generation of workers, as a reload does
  std::uint64_t killed_ = 0;

  SharedErrand examining_;  // of the spool and the lookups
  SharedErrand greeting_;   // of each listener
  board::Examination examination_;
};

}  // namespace handoff::master
