// The stop signal of a worker. SIGTERM is blocked everywhere but in waits, so it never interrupts a
// delivery, and there is no moment between looking at the flag and waiting in which it is lost.
#pragma once

#include <csignal>

namespace handoff::sys {

// Installs the handler for SIGTERM and blocks it; SIGINT and SIGHUP are ignored (a terminal sends
// them to the whole process group, and they are the master's business); SIGPIPE is ignored (a write
// says EPIPE). All others get their default back. Call once, early, in a worker or stdin session.
void catch_stop_signal();
// Has SIGTERM come when the parent ends, however it does, where the system can do that (Linux,
// FreeBSD). Call it after the last change of user, which would undo it.
void stop_with_parent();
// SIGTERM has come.
bool stop_requested();
// The mask for waits: SIGTERM comes through. Valid after catch_stop_signal().
const sigset_t* wait_mask();

}  // namespace handoff::sys
