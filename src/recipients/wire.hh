// A connection to a server that answers in lines or in counted octets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/endpoint.hh"
#include "base/result.hh"
#include "sys/stream.hh"

namespace handoff::recipients {

class Wire {
 public:
  // The maximum size of one answer in octets; a longer one is an error.
  static constexpr std::size_t kMost = 64 << 10;

  // These functions fail with ETIMEDOUT at their deadline, with EPIPE if the server closed the
  // connection, and with EPROTO if an answer is too long. They may also block on name resolution.
  static Result<Wire> open(const Endpoint& endpoint, sys::Deadline deadline);
  Status write(std::string_view octets, sys::Deadline deadline);
  // Reads up to `end`, which is consumed but not returned.
  Result<std::string> until(char end, sys::Deadline deadline);
  Result<std::string> octets(std::size_t count, sys::Deadline deadline);

 private:
  explicit Wire(sys::Fd socket) : stream_(std::move(socket)) {}
  Status read_more(sys::Deadline deadline);
  sys::Stream stream_;
  std::string input_;
};

}  // namespace handoff::recipients
