#include "master/http_server.hh"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>

#include <stdexcept>
#include <utility>

namespace handoff::master {
namespace {

constexpr int kTimeout = 60;           // seconds that a client may take over one request
constexpr int kMaxHeaders = 16 << 10;  // octets
constexpr int kMaxBody = 4 << 10;      // octets; nobody has anything to send us

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

struct Exchange::Pending {
  evhttp_request* request;  // null: replied to, or the client has gone
  std::string accept;
};

bool Exchange::accepts(std::string_view media_type) const {
  return pending_->accept.find(media_type) != std::string::npos;
}

void Exchange::reply(int code, std::string_view media_type, const std::string& body) const {
  auto* request = std::exchange(pending_->request, nullptr);
  if (request == nullptr) return;
  auto* headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Content-Type", std::string(media_type).c_str());
  evhttp_add_header(headers, "Cache-Control", "no-store");
  evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
  evhttp_add_header(headers, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  // One request a connection: what stays open would be in the way of an upgrade.
  evhttp_add_header(headers, "Connection", "close");
  auto* buffer = evbuffer_new();
  if (method_ != "HEAD") evbuffer_add(buffer, body.data(), body.size());
  evhttp_send_reply(request, code, nullptr, buffer);
  evbuffer_free(buffer);
}

void HttpServer::Free::operator()(evhttp* http) const { evhttp_free(http); }

HttpServer::HttpServer(EventLoop& loop, const sys::Fd& listener, Serve serve)
    : serve_(std::move(serve)), http_(evhttp_new(loop.base())) {
  auto own = sys::duplicate(listener);
  if (!http_ || !own) throw std::runtime_error("libevent cannot serve HTTP");
  evhttp_set_timeout(http_.get(), kTimeout);
  evhttp_set_max_headers_size(http_.get(), kMaxHeaders);
  evhttp_set_max_body_size(http_.get(), kMaxBody);
  evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
  evhttp_set_gencb(
      http_.get(),
      [](evhttp_request* request, void* self) { static_cast<HttpServer*>(self)->take(request); },
      this);
  if (evhttp_accept_socket(http_.get(), own.get()) != 0) {
    throw std::runtime_error("libevent cannot serve HTTP");
  }
  listener_ = own.release();
}

HttpServer::~HttpServer() {
  for (const auto& [connection, pending] : open_) pending->request = nullptr;
  http_.reset();  // while open_ is there to hear of it
}

void HttpServer::let_go_in_child() {
  for (const auto& [connection, pending] : open_) {
    sys::Fd(bufferevent_getfd(evhttp_connection_get_bufferevent(connection))).reset();
  }
  sys::Fd(listener_).reset();
  static_cast<void>(http_.release());
}

void HttpServer::take(evhttp_request* request) {
  Exchange exchange;
  exchange.method_ = name_of(evhttp_request_get_command(request));
  const char* path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
  exchange.path_ = path == nullptr ? "" : path;
  const char* accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
  exchange.pending_ = std::make_shared<Exchange::Pending>(
      Exchange::Pending{request, accept == nullptr ? "" : accept});
  auto* connection = evhttp_request_get_connection(request);
  open_[connection] = exchange.pending_;
  // When the client goes before it has its reply, evhttp frees the request.
  evhttp_connection_set_closecb(
      connection,
      [](evhttp_connection* closed, void* self) {
        auto known = static_cast<HttpServer*>(self)->open_.extract(closed);
        if (!known.empty()) known.mapped()->request = nullptr;
      },
      this);
  serve_(exchange);
  // A reply that is to come later holds the exchange; one that is forgotten must not hang.
  if (exchange.pending_.use_count() == 2 && exchange.pending_->request != nullptr) {
    exchange.reply(500, "text/plain", "no reply\n");
  }
}

}  // namespace handoff::master
