// Asks a running handoffd through its control socket: HTTP, one request a connection.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace handoff::ctl {

struct ControlAnswer {
  int code = 0;      // HTTP's: 200, 409 where it was refused
  std::string body;  // text
};

// Blocks until there is an answer, at most for `limit`. ECONNREFUSED and ENOENT where no server
// runs, EPIPE where it ended before it had answered.
Result<ControlAnswer> ask_master(const std::string& socket, std::string_view method,
                                 std::string_view path, std::chrono::seconds limit);

}  // namespace handoff::ctl
