// The master's view of a status process (src/status): its listening socket, the process, and the
// channel to it. The master reads single octets from the channel, each of them a request, and reads
// no further request before it has answered.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "master/children.hh"
#include "master/listeners.hh"
#include "status/event_loop.hh"
#include "status/process.hh"
#include "status/wire.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::master {

using status::Ask;
using status::EventLoop;

class StatusProcess {
 public:
  // Runs in the child.
  using Main = std::function<int(const sys::Fd& listener, const sys::Fd& channel)>;

  // `allowed`: the requests that are passed to `serve`, each of which must be answered by answer().
  StatusProcess(EventLoop& loop, Children& children, std::string_view allowed, Main main,
                std::function<void(Ask)> serve)
      : loop_(loop),
        children_(children),
        allowed_(allowed),
        main_(std::move(main)),
        serve_(std::move(serve)) {}

  // Starts the process, and restarts it a second after it ends.
  void open(Listener listener);
  // Starts another process with the current settings; the previous one ends when it is idle.
  void restart();
  bool is_open() const { return !listener_.fds.empty(); }
  const Endpoint& endpoint() const { return listener_.endpoint; }
  const std::vector<sys::Fd>& descriptors() const { return listener_.fds; }
  // Answers a request; does nothing if there is no such request. Never blocks.
  void answer(Ask to, bool ok, std::string_view text);
  // Ends it, and removes the socket file.
  void close();
  // Runs in a forked child: closes what belongs to the master.
  void close_in_child();

 private:
  void start();
  void start_later();
  void disconnect();
  void resume();
  void read_requests();
  void flush(bool writable);

  EventLoop& loop_;
  Children& children_;
  std::string_view allowed_;
  Main main_;
  std::function<void(Ask)> serve_;
  Listener listener_;
  sys::Fd channel_;
  std::unique_ptr<EventLoop::Watch> reading_;
  std::unique_ptr<EventLoop::Watch> writing_;
  std::string asked_;    // requests that have not been answered yet
  std::string out_;      // answers that the process has not read yet
  bool paused_ = false;  // between two requests
  unsigned number_ = 0;  // of the current process; the ends of previous ones are ignored
};

// Runs the process: closes all descriptors except these two, becomes config.user if root, gives up
// what it does not need, and serves (status::serve()). It can open no file and make no connection.
// Returns the exit code.
int run_status(const conf::Config& config, const sys::Log& log, const status::Options& options,
               const sys::Fd& listener, const sys::Fd& channel);

// Returns the control socket: `given`, if it is bound to the configured path, otherwise a new one.
// Errors like listen_on().
Result<Listener> control_listener(const conf::Config& config, sys::Fd given);
// Requires config.http.listen, to which `given`, if it is open, is bound.
Result<Listener> http_listener(const conf::Config& config, sys::Fd given);

}  // namespace handoff::master
