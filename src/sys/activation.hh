// Listening sockets that whoever started us has opened: systemd (LISTEN_FDS, sd_listen_fds(3)) and
// everything that speaks like it, or inetd's "wait". And the way for our own to outlive an exec.
#pragma once

#include <string>
#include <vector>

#include "base/endpoint.hh"
#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

struct GivenSocket {
  Endpoint endpoint;  // what it is bound to
  Fd fd;              // close-on-exec and non-blocking
};

// The sockets that systemd passes; none where it passes none to this process. EINVAL where one of
// them is no listening stream socket. The environment no longer speaks of them afterwards.
Result<std::vector<GivenSocket>> activated_sockets();

// Standard input as a listening socket, as inetd's "wait" hands it over; none where it is something
// else. /dev/null takes its place, and that of standard output and error where they are the same.
Result<std::vector<GivenSocket>> inetd_socket();

// A descriptor that a former image left open for us, close-on-exec from now on.
Fd take_over(int fd);
// Whether the descriptor stays open over an exec.
void keep_over_exec(const Fd& fd, bool keep);

// What a program is found by later: `argv0` as an absolute path, looked for in PATH where it has no
// slash. Links are kept: they may lead to another version by then.
std::string program_path(const std::string& argv0);

// Becomes the program `command` (path, arguments), with `variable`=`value` in its environment and
// every signal blocked until it has its own handlers. Returns only with an error.
Error exec_program(const std::vector<std::string>& command, const std::string& variable,
                   const std::string& value);
// Takes a variable out of the environment and returns it.
std::string take_variable(const char* name);

}  // namespace handoff::sys
