#include "status/http_server.hh"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sys/sockets.hh"

namespace handoff::status {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxHeaders = 16 << 10;  // octets
constexpr int kMaxBody = 4 << 10;      // octets; no request needs a body
constexpr milliseconds kTick{500};
// A client has this time to send its request before a new connection can replace it. Otherwise a
// burst of connections would close one whose request has arrived but was not read yet.
constexpr milliseconds kYoung{200};
constexpr milliseconds kLookAgain{5};  // while finish() waits

const char* name_of(evhttp_cmd_type method) {
  switch (method) {
    case EVHTTP_REQ_GET:
      return "GET";
    case EVHTTP_REQ_HEAD:
      return "HEAD";
    case EVHTTP_REQ_POST:
      return "POST";
    default:
      return "";
  }
}

}  // namespace

// An accepted connection. evhttp reports a connection only when its first request has arrived, so
// each bufferevent is also kept here until evhttp has removed its callbacks.
struct HttpServer::Connection {
  bufferevent* socket;
  sys::Steady::time_point accepted;
  sys::Steady::time_point deadline;  // for the request to arrive, or for the reply to be read
  std::shared_ptr<Exchange::Pending> asks = nullptr;  // its request, if it has arrived
  bool is_cut = false;

  // evhttp notices the end of the connection and frees it.
  void cut() {
    is_cut = true;
    sys::hang_up(bufferevent_getfd(socket));
  }
  bool has_ended() const {
    bufferevent_data_cb read = nullptr;
    bufferevent_event_cb event = nullptr;
    bufferevent_getcb(socket, &read, nullptr, &event, nullptr);
    return read == nullptr && event == nullptr;
  }
};

struct Exchange::Pending {
  evhttp_request* request;  // null: answered, or the client has gone
  HttpServer::Connection* connection;
};

void Exchange::reply(int code, std::string_view media_type, const std::string& body) const {
  auto* request = std::exchange(pending_->request, nullptr);
  if (request == nullptr) return;
  pending_->connection->deadline = sys::Steady::now() + kRequestLimit;
  auto* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", std::string(media_type).c_str());
  evhttp_add_header(headers, "Cache-Control", "no-store");
  evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
  evhttp_add_header(headers, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  // One request per connection, so that none stays open during an upgrade.
  evhttp_add_header(headers, "Connection", "close");
  auto* buffer = evbuffer_new();
  if (method_ != "HEAD") evbuffer_add(buffer, body.data(), body.size());
  evhttp_send_reply(request, code, nullptr, buffer);
  evbuffer_free(buffer);
}

void HttpServer::Free::operator()(evhttp* http) const { evhttp_free(http); }

HttpServer::HttpServer(EventLoop& loop, const sys::Fd& listener, Serve serve)
    : loop_(loop), serve_(std::move(serve)), http_(evhttp_new(loop.base())) {
  auto own = sys::duplicate(listener);
  if (!http_ || !own) throw std::runtime_error("libevent cannot serve HTTP");
  evhttp_set_max_headers_size(http_.get(), kMaxHeaders);
  evhttp_set_max_body_size(http_.get(), kMaxBody);
  evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
  evhttp_set_bevcb(http_.get(), &HttpServer::open, this);
  evhttp_set_gencb(
      http_.get(),
      [](evhttp_request* request, void* self) { static_cast<HttpServer*>(self)->take(request); },
      this);
  auto* bound = evhttp_accept_socket_with_handle(http_.get(), own.get());
  if (bound == nullptr) throw std::runtime_error("libevent cannot serve HTTP");
  own.release();
  listener_ = evhttp_bound_socket_get_listener(bound);
  // Probably no descriptors are left. Without a pause, libevent would retry immediately and
  // endlessly.
  evconnlistener_set_error_cb(
      listener_, [](evconnlistener* failed, void*) { evconnlistener_disable(failed); });
  loop_.every(kTick, [this] { tick(); });
}

HttpServer::~HttpServer() {
  http_.reset();
  free_ended();
}

// Removes connections that evhttp has freed.
void HttpServer::free_ended() {
  std::erase_if(connections_, [](const Connection& connection) {
    if (!connection.has_ended()) return false;
    if (connection.asks) connection.asks->request = nullptr;
    bufferevent_decref(connection.socket);
    return true;
  });
}

bufferevent* HttpServer::open(event_base* base, void* self) {
  auto* server = static_cast<HttpServer*>(self);
  server->free_ended();
  server->make_room();
  auto* socket = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  if (socket == nullptr) return nullptr;
  bufferevent_incref(socket);
  auto now = sys::Steady::now();
  server->connections_.push_back({socket, now, now + kRequestLimit});
  return socket;
}

// Closes the oldest connection without a request, or else the oldest of all. If it is young,
// accepts no more for a moment instead.
void HttpServer::make_room() {
  std::vector<Connection*> all;
  for (auto& each : connections_) {
    if (!each.is_cut) all.push_back(&each);
  }
  if (all.size() < kMaxConnections) return;
  auto idle = std::ranges::find_if(all, [](const auto* one) { return !one->asks; });
  auto& oldest = idle == all.end() ? *all.front() : **idle;
  if (sys::Steady::now() >= oldest.accepted + kYoung) return oldest.cut();
  evconnlistener_disable(listener_);
  loop_.after(kYoung, [this] {
    if (!done_) evconnlistener_enable(listener_);
  });
}

void HttpServer::take(evhttp_request* request) {
  auto* evcon = evhttp_request_get_connection(request);
  auto known = std::ranges::find(connections_, evhttp_connection_get_bufferevent(evcon),
                                 &Connection::socket);
  if (known == connections_.end()) return evhttp_send_error(request, 503, nullptr);
  Exchange exchange;
  exchange.method_ = name_of(evhttp_request_get_command(request));
  const char* path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
  exchange.path_ = path == nullptr ? "" : path;
  const char* accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
  exchange.accept_ = accept == nullptr ? "" : accept;
  exchange.pending_ = std::make_shared<Exchange::Pending>(Exchange::Pending{request, &*known});
  known->asks = exchange.pending_;
  // If the client goes away before it has its reply, evhttp frees the request.
  evhttp_connection_set_closecb(
      evcon,
      [](evhttp_connection*, void* pending) {
        static_cast<Exchange::Pending*>(pending)->request = nullptr;
      },
      exchange.pending_.get());
  known->deadline = sys::Steady::time_point::max();
  serve_(exchange);
}

void HttpServer::tick() {
  free_ended();
  if (done_) {
    auto is_replied = [](const auto& one) { return one.asks && one.asks->request == nullptr; };
    if (std::ranges::none_of(connections_, is_replied)) std::exchange(done_, [] {})();
  } else {
    evconnlistener_enable(listener_);
  }
  auto now = sys::Steady::now();
  for (auto& connection : connections_) {
    if (connection.deadline <= now) connection.cut();
  }
}

void HttpServer::finish(std::function<void()> done) {
  done_ = std::move(done);
  evconnlistener_disable(listener_);
  for (auto& connection : connections_) {
    if (!connection.asks || connection.asks->request != nullptr) connection.cut();
  }
  loop_.every(kLookAgain, [this] { tick(); });
  loop_.after(kRequestLimit, [this] { std::exchange(done_, [] {})(); });
}

}  // namespace handoff::status
