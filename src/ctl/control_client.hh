// Sends requests to a running handoffd through its control socket: HTTP, one per connection.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace handoff::ctl {

struct ControlAnswer {
  int code = 0;      // HTTP status: 200, or 409 if the request was refused
  std::string body;  // text
};

// Blocks until an answer arrives, at most for `limit`. ECONNREFUSED and ENOENT: no server is
// running; EPIPE: it exited before it answered.
Result<ControlAnswer> ask_master(const std::string& socket, std::string_view method,
                                 std::string_view path, std::chrono::seconds limit);

}  // namespace handoff::ctl
