#include "worker/filters.hh"

#include <sysexits.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>

#include "filter/engine.hh"
#include "filter/process.hh"
#include "sys/confinement.hh"
#include "sys/files.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/sandbox.hh"
#include "sys/title.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

// How long a process that the worker has given up may still run.
constexpr std::chrono::seconds kMore{2};
// How long to wait for the end of a process that was killed.
constexpr std::chrono::seconds kPatience{1};

int fail_filter(const sys::Log& log, const Error& error, int exit_code) {
  log.error("no filter process", {{"cause", error.describe()}});
  return exit_code;
}

// Gives up all files and sockets, and serves the worker at the other end of `socket` until that
// closes it.
int serve_filter(const conf::Config& config, const sys::Log& log, const sieve::Engine& engine,
                 const sys::Fd& socket) {
  sys::set_title("filter");
  sys::keep_only(std::array{&socket});
  sys::ignore_group_signals();  // fork_process() has blocked all signals, also SIGALRM
  sys::Needs needs;
  needs.receives_files = true;
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  if (auto done = sys::confine("filter", needs, {}, log); !done)
    return fail_filter(log, done.error(), EX_OSERR);
  sys::Files files;
  filter::serve(engine, files, socket, config.sieve.timeout + kMore);
  return EX_OK;
}

// A process that waits for a job, or is busy with one that the worker has given up, is killed.
void end_filter(pid_t process, const sys::Log& log) {
  bool is_over = false;
  while (auto ended = sys::next_ended()) {
    if (ended->pid != process) continue;  // an earlier one, which hung
    is_over = true;
    if (ended->status != 0)
      log.error("filter process died", {{"how", sys::how_it_ended(ended->status)}});
  }
  if (is_over) return;
  sys::send_signal(process, SIGKILL);
  // A process that hangs in the kernel is left behind.
  static_cast<void>(sys::ends_by(process, sys::Steady::now() + kPatience));
}

}  // namespace

bool needs_filter_process(const conf::Config& config) { return config.sieve.enabled; }

int start_filters(const conf::Config& config, const sys::Log& log, const sieve::Engine& engine,
                  const sys::Fd& socket) {
  sys::set_title("filter starter");
  sys::keep_only(std::array{&socket});
  sys::ignore_group_signals();
  if (auto dropped = drop_privileges(config); !dropped)
    return fail_filter(log, dropped.error(), EX_CONFIG);
  sys::hide_memory();
  pid_t running = 0;
  for (;;) {
    auto message = sys::receive_message(socket, std::nullopt);
    if (running != 0) end_filter(running, log);
    running = 0;
    if (!message || !message.value()) return EX_OK;
    const auto& worker = message.value()->descriptor;
    if (!worker) continue;
    auto started = sys::fork_process([&] { return serve_filter(config, log, engine, worker); });
    if (started) {
      running = started.value();
    } else {
      log.error("cannot start a filter process", {{"cause", started.error().describe()}});
    }
  }
}

Result<sys::Fd> start_filter(const conf::Config& config, const sys::Log& log) {
  auto engine = filter::open_engine();
  if (!engine) return engine.error();
  engine.value()->prepare();
  return sys::fork_server(
      [&](const sys::Fd& socket) { return start_filters(config, log, *engine.value(), socket); });
}

}  // namespace handoff::worker
