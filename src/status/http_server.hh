// A small HTTP server on one listening socket, based on libevent's evhttp: for the control socket
// and http.listen. A request is a method and a path; the reply is text, sent immediately or later.
//
// A client cannot block or exhaust it: a request must arrive completely within ten seconds, and its
// reply must be read within ten more; old connections are closed in favour of new ones; and if no
// descriptor is left, it pauses before it accepts again.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "status/event_loop.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

struct bufferevent;
struct evconnlistener;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;

namespace handoff::status {

// The maximum number of open connections. A new one then replaces the oldest.
inline constexpr std::size_t kMaxConnections = 64;
// The time for a request to arrive completely, and again for its reply to be read.
inline constexpr std::chrono::seconds kRequestLimit{10};

// A request that needs a reply. Copies refer to the same request.
class Exchange {
 public:
  std::string_view method() const { return method_; }  // "GET", "HEAD", "POST", or "" for others
  std::string_view path() const { return path_; }      // "/status"
  bool accepts(std::string_view type) const { return accept_.find(type) != accept_.npos; }

  // Sends a reply. Does nothing after the first reply, or if the client has gone. Never blocks.
  void reply(int code, std::string_view media_type, const std::string& body) const;

 private:
  friend class HttpServer;
  struct Pending;
  std::string method_;
  std::string path_;
  std::string accept_;
  std::shared_ptr<Pending> pending_;
};

class HttpServer {
 public:
  using Serve = std::function<void(const Exchange&)>;

  // Serves on a duplicate of `listener`. Throws if libevent fails.
  HttpServer(EventLoop& loop, const sys::Fd& listener, Serve serve);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  // Accepts no more connections, closes those without a reply, and calls `done` when all replies
  // have been read, at the latest after kRequestLimit.
  void finish(std::function<void()> done);

 private:
  friend class Exchange;
  struct Connection;
  struct Free {
    void operator()(evhttp* http) const;
  };
  static bufferevent* open(event_base* base, void* self);
  void make_room();
  void take(evhttp_request* request);
  void free_ended();
  void tick();

  EventLoop& loop_;
  Serve serve_;
  std::unique_ptr<evhttp, Free> http_;
  evconnlistener* listener_ = nullptr;
  std::list<Connection> connections_;  // oldest first
  std::function<void()> done_;         // finish() was called
};

}  // namespace handoff::status
