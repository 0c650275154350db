#include "master/own_socket.hh"

#include <utility>

namespace handoff::master {
namespace {

constexpr int kControlBacklog = 64;
constexpr std::uint32_t kControlMode = 0600;

}  // namespace

void OwnSocket::serve(EventLoop& loop, Listener listener, HttpServer::Serve serve) {
  listener_ = std::move(listener);
  server_ = std::make_unique<HttpServer>(loop, listener_.fds.front(), std::move(serve));
}

void OwnSocket::close() {
  server_.reset();
  if (listener_.file) listener_.file->remove();
  listener_ = {};
}

void OwnSocket::let_go_in_child() {
  if (auto* server = server_.release()) server->let_go_in_child();
}

Result<Listener> control_listener(const conf::Config& config, sys::Fd given) {
  Endpoint endpoint;
  endpoint.path = config.control_socket;
  Listener out{endpoint, {}, std::nullopt};
  if (given && sys::listening_at(given.get()) == endpoint) {
    out.fds.push_back(std::move(given));
  } else {
    // Its rights are not those of the sockets that mail comes by.
    sys::SocketRights rights;
    rights.mode = kControlMode;
    auto fds = sys::listen_on(endpoint, kControlBacklog, rights);
    if (!fds) return fds.error();
    out.fds = std::move(fds).value();
  }
  out.file.emplace(endpoint.path);
  return out;
}

Result<Listener> http_listener(const conf::Config& config, sys::Fd given) {
  if (!given) return open_listener(*config.http.listen, config);
  Listener out{*config.http.listen, {}, std::nullopt};
  out.fds.push_back(std::move(given));
  return out;
}

}  // namespace handoff::master
