// A small HTTP server on one listening socket, by libevent's evhttp: the control socket, and
// http.listen. Requests are a method and a path; replies are text, given at once or later.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "master/event_loop.hh"
#include "sys/fd.hh"

struct evhttp;
struct evhttp_connection;
struct evhttp_request;

namespace handoff::master {

// One request that is owed a reply. Copies speak of the same one.
class Exchange {
 public:
  std::string_view method() const { return method_; }  // "GET", "HEAD", "POST", or "" for others
  std::string_view path() const { return path_; }      // "/status"
  bool accepts(std::string_view media_type) const;

  // Replies; only the first reply counts, and none does where the client has gone. Never blocks.
  void reply(int code, std::string_view media_type, const std::string& body) const;

 private:
  friend class HttpServer;
  struct Pending;
  std::string method_;
  std::string path_;
  std::shared_ptr<Pending> pending_;
};

class HttpServer {
 public:
  using Serve = std::function<void(const Exchange&)>;

  // Serves on a duplicate of `listener`. Throws where libevent cannot.
  HttpServer(EventLoop& loop, const sys::Fd& listener, Serve serve);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  // In a forked child: closes the child's copies. The object is not to be destroyed there: evhttp
  // would shut the parent's connections down.
  void let_go_in_child();

 private:
  struct Free {
    void operator()(evhttp* http) const;
  };
  void take(evhttp_request* request);

  Serve serve_;
  std::unique_ptr<evhttp, Free> http_;
  int listener_ = -1;  // evhttp's
  // Connections that a request has come by, until evhttp is done with them.
  std::map<evhttp_connection*, std::shared_ptr<Exchange::Pending>> open_;
};

}  // namespace handoff::master
