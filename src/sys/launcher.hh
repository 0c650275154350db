// The launcher: a process that starts the site's programs for a worker, which may execute nothing
// once it is confined. The launcher is started before that, runs as the same user, and starts only
// the programs that it was given.
#pragma once

#include <string>
#include <vector>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

using CommandLine = std::vector<std::string>;  // the program's absolute path and arguments

// Starts the launcher of this process; call once, before confine(). It ends when this process and
// all watchers that it started (command.hh) have ended. A command that is requested later has to
// begin with one of `allowed`.
Status start_launcher(const std::vector<CommandLine>& allowed);

// Returns the socket to the launcher; not open if none was started.
const Fd& launcher();
// Whether the launcher that was started has ended: no program can be started any more.
bool launcher_has_ended();

// Has the launcher run a program with `input` as standard input and `output` as standard output and
// error. Returns a socket on which program_status() comes when it ends. Closing the socket before
// that kills the program and its process group.
Result<Fd> launch(const CommandLine& command, const Fd& input, const Fd& output);
// Returns the status of the program as waitpid(2) returns it; EAGAIN if it still runs. Never
// blocks.
Result<int> program_status(const Fd& socket);

// Replaces this process, a fork, with the program: a new process group, default signals, little of
// the environment. Exits with 126 if it cannot.
[[noreturn]] void execute(const CommandLine& command, const Fd& input, const Fd& output);

}  // namespace handoff::sys
