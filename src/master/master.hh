// The master: binds the sockets, keeps the workers, takes a new configuration (SIGHUP), a new
// program (SIGUSR2), and drains (SIGTERM). It reads nothing that comes from the mail network; the
// control socket and http.listen are read by libevent's evhttp alone. libevent is its loop, and is
// known in this directory alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "board/inheritance.hh"
#include "conf/load.hh"
#include "master/handover.hh"
#include "sys/activation.hh"
#include "sys/log.hh"

namespace handoff::master {

// What the master does not know how to do; main.cc does. Those that say "in a child" are called in
// a process of their own.
struct Wiring {
  // The settings as they are now, on disk and on the command line. Throws conf::ConfigError.
  std::function<conf::Settings()> load;
  std::function<sys::Log(const conf::Config&)> open_log;
  // In a child: what a worker runs; its result is the exit code of the process.
  std::function<int(const conf::Config&, const sys::Log&, const board::Inheritance&)> worker;
  // Whether a worker needs a delivery process beside it; and, in a child, what that runs.
  std::function<bool(const conf::Config&)> wants_delivery;
  std::function<int(const conf::Config&, const sys::Log&, const sys::Fd& socket)> delivery;
  // Three steps to a new configuration. Before a child checks it: what that child reads in the
  // master's stead gets its place. In the child: whether a worker could work with it. Before what
  // was checked comes into force: takes what the child has read, and reads what is short and only
  // the master may; on failure all is as before.
  std::function<Status(const conf::Config&)> prepare;
  std::function<Status(const conf::Config&)> check;
  std::function<Status(const conf::Config&)> adopt;
  // In a child: whether mail could be delivered now: a listener answers, the spool takes a file.
  std::function<Status(const conf::Config&, const std::vector<Endpoint>&)> probe;
  // In a child: looks through all of the spool for what crashes left; how many files it removed.
  std::function<Result<unsigned>(const conf::Config&, const sys::Log&)> sweep;
  // Called once, when the first worker can accept.
  std::function<void()> on_ready;
  std::vector<std::string> command;  // this program's path and arguments, for an upgrade
  std::string version;
};

// Where the listeners come from, if not from the configuration.
struct Origin {
  std::vector<sys::GivenSocket> activated;  // by systemd or inetd
  std::optional<Handover> handover;         // from the image before this one
};

// Serves until it is stopped. Returns the exit code (sysexits.h): EX_OK after a drain;
// EX_UNAVAILABLE, EX_CANTCREAT or EX_OSERR where it could not begin; that of the first worker where
// none ever got ready.
int run(conf::Settings settings, const Wiring& wiring, Origin origin);

// In the program that would take this one's place: whether the master could begin, its listeners
// handed over and the others bound. Binds and lets go again; nothing else is touched.
Status try_to_listen(const conf::Config& config, const Handover& handover);

}  // namespace handoff::master
