// The master: binds the sockets, manages the workers, reloads the configuration (SIGHUP), replaces
// the program (SIGUSR2), and drains (SIGTERM). It parses nothing that comes from a peer: workers
// handle LMTP, and status processes HTTP.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/command_line.hh"
#include "master/handover.hh"
#include "sys/activation.hh"
#include "sys/daemon.hh"
#include "sys/fd.hh"
#include "sys/log.hh"
#include "worker/services.hh"

namespace handoff::master {

// The arguments of a master.
struct Start {
  conf::CommandLine line;  // each reload parses it again, and reads the file that it names
  conf::Settings settings;
  std::vector<std::string> command;  // this program's path and arguments, for an upgrade
  sys::Fd program;                   // that workers execute; if not open, they are forks
  sys::Log (*open_log)(const conf::Config&) = nullptr;
  bool echo_errors = false;                   // to standard error, until the first worker is ready
  std::optional<sys::Background> background;  // the process that started us waits there
  std::vector<sys::GivenSocket> activated;    // listeners from systemd or inetd
  std::optional<Handover> handover;           // from the previous program image
};

// Serves until it is stopped. `assets`: loaded for the configuration. Returns the exit code
// (sysexits.h): EX_OK after a drain; EX_CONFIG, EX_UNAVAILABLE, EX_CANTCREAT or EX_OSERR if it
// could not start; that of the first worker if no worker was ever ready.
int run(Start start, worker::Assets assets);

// Called in a program that may replace the running one: whether its master could start with the
// listeners that it would inherit and those that it would have to bind. Binds the latter and closes
// them again; changes nothing else.
Status try_to_listen(const conf::Config& config, const Handover& handover);

}  // namespace handoff::master
