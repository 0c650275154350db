// Listening sockets that our caller has opened: systemd and compatible managers (LISTEN_FDS,
// sd_listen_fds(3)), or inetd's "wait". This file also keeps our own descriptors open over an exec.
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

// Returns the sockets that systemd passes to this process, if any. EINVAL if one of them is not a
// listening stream socket. Removes the variables from the environment.
Result<std::vector<GivenSocket>> activated_sockets();

// Standard input, if it is a listening socket as inetd's "wait" passes it. /dev/null replaces it,
// and standard output and error if they are the same socket.
Result<std::vector<GivenSocket>> inetd_socket();

// Returns the number after the last descriptor that LISTEN_FDS announces to this process; 3 if
// there are none. Leaves the environment as it is.
int after_announced_descriptors();

// Takes over a descriptor that an earlier program image left open for us; makes it close-on-exec.
Fd take_over(int fd);
// Decides whether the descriptor stays open over an exec.
void keep_over_exec(const Fd& fd, bool keep);

// Returns the absolute path of our program: `argv0`, searched in PATH if it has no slash. Symbolic
// links are not resolved: after an upgrade they lead to the new version.
std::string program_path(const std::string& argv0);

// Executes `command` (path, arguments) with `variable`=`value` in its environment and every signal
// blocked until it has installed its handlers. Returns only on error.
Error exec_program(const std::vector<std::string>& command, const std::string& variable,
                   const std::string& value);
// Opens the file of this program for exec_process(), which then executes this file even if another
// one has replaced it. Not open on failure, and always on systems other than Linux. `path` is
// program_path(), for a system without /proc.
Fd open_program(const std::string& path);
// Executes the program as a process of that name, with every signal blocked. Its environment has
// `variable`=`value`, but not the variables by which libraries of databases get passwords. Returns
// only on error.
Error exec_process(const Fd& program, const std::string& name, const std::string& variable,
                   const std::string& value);
// Removes a variable from the environment and returns its value.
std::string take_variable(const char* name);

}  // namespace handoff::sys
