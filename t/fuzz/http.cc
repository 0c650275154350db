#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>

#include "status/event_loop.hh"
#include "status/http_server.hh"
#include "sys/clock.hh"
#include "sys/sockets.hh"
#include "targets.hh"

namespace handoff::fuzz {
namespace {

constexpr std::size_t kMost = 32 << 10;  // fits into the buffer of the socket

// The server of a status process, for all runs.
class Server {
 public:
  Server() {
    endpoint_.is_unix = true;
    endpoint_.path = "/tmp/handoff-fuzz-" + std::to_string(::getpid()) + ".sock";
    auto bound = sys::listen_on(endpoint_, 16, {});
    if (!bound) throw std::runtime_error(bound.error().describe());
    http_.emplace(loop_, bound.value().front(), [this](const status::Exchange& exchange) {
      ++requests_;
      exchange.reply(200, "text/plain", std::string(exchange.path()));
    });
  }
  ~Server() { ::unlink(endpoint_.path.c_str()); }

  // Sends `octets` over a connection and returns what comes back before its end.
  std::string answer(std::string_view octets) {
    requests_ = 0;
    auto client = sys::connect_to(endpoint_, sys::Steady::now() + std::chrono::seconds(10));
    if (!client) throw std::runtime_error(client.error().describe());
    int fd = client.value().get();
    static_cast<void>(::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL));
    ::shutdown(fd, SHUT_WR);
    std::string out;
    auto watch = loop_.watch(fd, status::EventLoop::For::kReading, [&] {
      std::array<char, 4096> buffer;
      auto got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return loop_.stop();
      out.append(buffer.data(), static_cast<std::size_t>(got));
    });
    loop_.run();
    return out;
  }
  unsigned requests() const { return requests_; }

 private:
  Endpoint endpoint_;
  status::EventLoop loop_;
  std::optional<status::HttpServer> http_;
  unsigned requests_ = 0;
};

}  // namespace

void http(std::string_view octets) {
  if (octets.size() > kMost) return;
  static Server server;
  auto reply = server.answer(octets);
  require(reply.empty() || reply.starts_with("HTTP/"), "an answer that is not HTTP");
  require(server.requests() <= 1, "more than one request over a connection");
}

}  // namespace handoff::fuzz
