#include "proxy/connection.hh"

#include <array>
#include <cerrno>
#include <utility>

#include "sys/held_input.hh"

namespace handoff::proxy {
namespace {

Error lost(int code, const char* what) { return Error{code, what, {}}; }

}  // namespace

Result<Connection> Connection::open(sys::Fd socket, const std::string& hostname,
                                    sys::Deadline deadline) {
  Connection connection(std::move(socket));
  auto refused = [](const lmtp::Reply& reply) {
    return explained(ECONNREFUSED, "the backend said " + reply.one_line());
  };
  auto greeting = connection.receive(deadline);
  if (!greeting) return greeting.error();
  if (greeting.value().code != 220) return refused(greeting.value());
  connection.queue("LHLO " + hostname + "\r\n");
  if (auto sent = connection.flush(deadline); !sent) return sent.error();
  auto hello = connection.receive(deadline);
  if (!hello) return hello.error();
  if (!hello.value().positive()) return refused(hello.value());
  connection.offers_ = Capabilities::parse(hello.value().text);
  return connection;
}

Status Connection::push() {
  auto sent = sys::send_some(socket_, output_);
  if (!sent) return sent.error();
  output_.erase(0, sent.value());
  return {};
}

Status Connection::flush(sys::Deadline deadline) {
  for (;;) {
    if (auto pushed = push(); !pushed) return pushed;
    if (output_.empty()) return {};
    std::array<pollfd, 1> fds{{{fd(), POLLOUT, 0}}};
    if (sys::wait_for(fds, deadline, false) == sys::Waited::kTimeout) {
      return lost(ETIMEDOUT, "send to the backend");
    }
  }
}

Result<lmtp::Reply> Connection::receive(sys::Deadline deadline) {
  for (;;) {
    while (auto reply = replies_.next()) {
      if (owed_ == 0) return *std::move(reply);
      --owed_;
      if (!reply->positive()) return lost(ECONNRESET, "the backend ended the session");
    }
    std::array<pollfd, 1> fds{{{fd(), POLLIN, 0}}};
    if (sys::wait_for(fds, deadline, false) == sys::Waited::kTimeout) {
      return lost(ETIMEDOUT, "wait for the backend's reply");
    }
    if (auto arrived = arrive(std::nullopt); !arrived) return arrived.error();
  }
}

Status Connection::look(std::size_t expected) { return held_ > 0 ? Status() : arrive(expected); }

Status Connection::arrive(std::optional<std::size_t> expected) {
  std::array<char, 4096> buffer;
  auto seen = sys::look_at_input(socket_, buffer.data(), buffer.size());
  if (!seen) return seen.error();
  if (!seen.value()) return {};
  auto size = *seen.value();
  if (size == 0) return lost(ECONNRESET, "the backend closed the connection");
  if (auto fed = replies_.feed({buffer.data(), size}); !fed) return fed;
  if (expected && replies_.waiting() >= *expected) {
    held_ = size;
    return {};
  }
  return sys::take_input(socket_, size);
}

Status Connection::release() { return sys::take_input(socket_, std::exchange(held_, 0)); }

void Connection::reset() {
  queue("RSET\r\n");
  ++owed_;
  static_cast<void>(push().ok());  // a failure will show at the next command
}

bool Connection::is_alive() {
  if (!arrive(std::nullopt)) return false;
  while (owed_ > 0) {
    auto reply = replies_.next();
    if (!reply) break;
    if (!reply->positive()) return false;
    --owed_;
  }
  return replies_.waiting() == 0;  // the backend has nothing to say, unless it ends the session
}

void Connection::quit() {
  queue("QUIT\r\n");
  static_cast<void>(push().ok());
  socket_.reset();
}

void Connection::break_off() {
  sys::reset_when_closed(socket_);
  socket_.reset();
}

}  // namespace handoff::proxy
