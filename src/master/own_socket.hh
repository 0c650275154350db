// The sockets of the master's own, by which it is asked: the control socket, and http.listen.
#pragma once

#include <memory>
#include <string>

#include "base/result.hh"
#include "conf/config.hh"
#include "master/http_server.hh"
#include "master/listeners.hh"
#include "sys/fd.hh"

namespace handoff::master {

class OwnSocket {
 public:
  // Serves on `listener` from now on. Throws where libevent cannot.
  void serve(EventLoop& loop, Listener listener, HttpServer::Serve serve);
  bool is_open() const { return !listener_.fds.empty(); }
  const Endpoint& endpoint() const { return listener_.endpoint; }
  const std::vector<sys::Fd>& descriptors() const { return listener_.fds; }
  // Removes a socket file, too.
  void close();
  // In a forked child; see HttpServer. The descriptors are closed later, by close_in_child().
  void let_go_in_child();
  void close_in_child() { listener_.fds.clear(); }

 private:
  Listener listener_;
  std::unique_ptr<HttpServer> server_;
};

// `given` where that is it, else it is bound. Errors as listen_on().
Result<Listener> control_listener(const conf::Config& config, sys::Fd given);
// Requires config.http.listen. `given`, if any, is taken for it.
Result<Listener> http_listener(const conf::Config& config, sys::Fd given);

}  // namespace handoff::master
