// A connection to a backend, another host's LMTP server: sends commands and reads replies, either
// waiting for each or without ever blocking.
//
// Replies after the content can be held: they are left in the socket, so that the backend does not
// see them as read before the proxy's own client has read its replies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hh"
#include "board/backend_writer.hh"
#include "lmtp/reply.hh"
#include "proxy/capabilities.hh"
#include "proxy/reply_reader.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"
#include "sys/stream.hh"

namespace handoff::proxy {

class Connection {
 public:
  // `socket` is connected. Reads the greeting and says LHLO `hostname`. Fails if the backend does
  // not answer in time, or refuses; the error then has the text of the refusal.
  static Result<Connection> open(sys::Fd socket, const std::string& hostname,
                                 sys::Deadline deadline);

  const Capabilities& offers() const { return offers_; }

  // Appends to the output.
  void queue(std::string_view octets) { output_ += octets; }
  bool has_output() const { return !output_.empty(); }
  // Sends as much of the output as the backend takes now. Never blocks.
  Status push();
  // Sends everything; ETIMEDOUT at the deadline.
  Status flush(sys::Deadline deadline);
  // Waits for the next reply. ECONNRESET: the backend closed the connection.
  Result<lmtp::Reply> receive(sys::Deadline deadline);

  // Reads the octets that have arrived, without blocking. Once `expected` replies are complete, the
  // octets that completed them are held. ECONNRESET: the backend closed the connection.
  Status look(std::size_t expected);
  // Returns the next reply that look() has found.
  std::optional<lmtp::Reply> next() { return replies_.next(); }
  // Returns whether replies are held. If so, no more can arrive until release().
  bool is_holding() const { return held_ > 0; }
  // The held replies count as read from now on.
  Status release();

  // Ends the transaction at the backend without waiting for its reply.
  void reset();
  // Returns whether the backend still listens. Call this only if no command was sent since reset().
  bool is_alive();
  // Sends QUIT, if that is possible without waiting, and closes the connection.
  void quit();
  // Closes the connection so that the backend does not regard its replies as read.
  void break_off();

  int fd() const { return socket_.get(); }
  // Counts this connection as open until it is closed.
  void count_in(board::OpenConnection counted) { counted_ = std::move(counted); }

 private:
  explicit Connection(sys::Fd socket) : socket_(std::move(socket)) {}
  Status arrive(std::optional<std::size_t> expected);

  board::OpenConnection counted_;
  sys::Fd socket_;
  Capabilities offers_;
  ReplyParser replies_;
  std::string output_;
  std::size_t held_ = 0;  // octets
  std::size_t owed_ = 0;  // replies to reset() that have not been read yet
};

}  // namespace handoff::proxy
