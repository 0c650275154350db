#include "worker/filters.hh"

#include <sysexits.h>

#include <array>
#include <chrono>

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

}  // namespace

bool needs_filter_process(const conf::Config& config) { return config.sieve.enabled; }

int serve_filter(const conf::Config& config, const sys::Log& log, const sieve::Engine& engine,
                 const sys::Fd& socket) {
  auto fail = [&](const Error& error, int exit_code) {
    log.error("no filter process", {{"cause", error.describe()}});
    return exit_code;
  };
  sys::set_title("filter");
  sys::keep_only(std::array{&socket});
  sys::ignore_group_signals();
  if (auto dropped = drop_privileges(config); !dropped) return fail(dropped.error(), EX_CONFIG);
  sys::hide_memory();
  sys::Needs needs;
  needs.receives_files = true;
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  if (auto done = sys::confine("filter", needs, {}, log); !done) {
    return fail(done.error(), EX_OSERR);
  }
  sys::Files files;
  filter::serve(engine, files, socket, config.sieve.timeout + kMore);
  return EX_OK;
}

Result<sys::Fd> start_filter(const conf::Config& config, const sys::Log& log) {
  auto engine = filter::open_engine();
  if (!engine) return engine.error();
  engine.value()->prepare();
  return sys::fork_server(
      [&](const sys::Fd& socket) { return serve_filter(config, log, *engine.value(), socket); });
}

}  // namespace handoff::worker
