// The fork server: this program, executed again, which forks the workers. Their addresses tell
// nothing about the master or any other process. They share the memory that they only read, and
// start without loading the program and its libraries again. Another fork server, at other
// addresses, takes its place after a reload and after a worker has crashed, so that nobody can
// find out the addresses by trying.
//
//   master --- slot, descriptors ---> fork server (user) --- forks ---> worker (user)
//          <---- process id ---------
//
// Each worker becomes a child of the master, which waits for it as for its other children. On a
// system without sys::open_program() the workers are forks of the master.
#pragma once

#include <functional>

#include "base/result.hh"
#include "master/birth.hh"
#include "master/children.hh"
#include "sys/fd.hh"
#include "sys/log.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::master {

class ForkServer {
 public:
  // Runs in a fork of the master, which it turns into the fork server: see execute_fork_server().
  using Main = std::function<int(const sys::Fd& channel)>;
  // A fork server of this generation has ended without being told to.
  using Died = std::function<void(unsigned generation, int status)>;

  ForkServer(Children& children, Main main, Died died)
      : children_(children), main_(std::move(main)), died_(std::move(died)) {}

  // Has a worker forked, by a fork server that was started for this generation, and returns its
  // process id. Blocks until the worker exists. The caller adds it to its children.
  // `echo_errors`: the worker writes errors to standard error too, until it is ready.
  Result<pid_t> start_worker(unsigned generation, const worker::Inheritance& inherited,
                             bool echo_errors);
  // The server has started: the fork server gives up standard output and error.
  void detach();
  // The next worker comes from another fork server; this one ends.
  void retire() { channel_.reset(); }
  bool is_running() const { return running_ > 0; }
  // Runs in a forked child: closes what belongs to the master.
  void close_in_child() { channel_.reset(); }

 private:
  Status start(unsigned generation);

  Children& children_;
  Main main_;
  Died died_;
  sys::Fd channel_;
  unsigned generation_ = 0;
  unsigned number_ = 0;   // of the current fork server
  unsigned running_ = 0;  // that have not ended, retired ones included
};

// Runs the fork server until `channel` is closed: becomes config.user if root, and forks workers.
// `origin`: what every worker inherits; each request brings the rest. Returns the exit code.
int serve_forks(const conf::Config& config, sys::Log& log, const worker::Assets& assets,
                const Origin& origin, const sys::Fd& channel, const Terminal& terminal);

}  // namespace handoff::master
