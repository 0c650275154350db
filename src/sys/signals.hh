// The stop signals of a worker: SIGTERM if the server drains, kRetire if only this worker is to
// end. Both are blocked except in waits by ppoll and in let_stop_in(), so that they never interrupt
// a delivery and none is lost between the check of the flag and the wait. On Linux, a ppoll that
// returns immediately delivers no signal.
#pragma once

#include <csignal>
#include <span>

#include "sys/fd.hh"

namespace handoff::sys {

// The master sends this to a worker that others replace.
inline constexpr int kRetire = SIGUSR2;

// Installs the handlers of the stop signals and blocks them. Ignores SIGINT and SIGHUP, which a
// terminal sends to the whole process group and the master handles, SIGPIPE, because write(2)
// reports EPIPE, and SIGXFSZ, because it reports EFBIG. Resets all others. Call once, early, in a
// worker or stdin session.
void catch_stop_signal();
// After that: SIGINT is a stop signal too, at any time.
void stop_on_interrupt();
// For a child of the master that is not a worker: resets every signal to its default, except
// SIGXFSZ, which is ignored because write(2) reports EFBIG.
void default_signals();
// When the parent dies, replaces each of these descriptors (the first 64) with `life` and requests
// a stop, so that nothing keeps the listeners of a dead master open. `life` is the read end of a
// pipe whose other end the parent holds. On Linux and FreeBSD a signal causes this at once;
// elsewhere it happens at the next wait for octets of a connection. Call after privileges were
// dropped: Linux forgets it then.
void on_parent_death(std::span<const Fd* const> let_go_of, const Fd& life);
// The descriptor that every wait must watch for the parent's death (-1: none), and the function to
// call when it is readable.
int life_to_watch();
void parent_has_died();
// Returns whether a stop signal has arrived.
bool stop_requested();
// Has the same effect as the arrival of kRetire: this process asks to be replaced.
void request_retirement();
// Returns whether only kRetire has arrived.
bool only_retiring();
// Lets pending stop signals in. Requires catch_stop_signal().
void let_stop_in();
// The signal mask for waits, which lets the stop signals in. Valid after catch_stop_signal().
const sigset_t* wait_mask();

}  // namespace handoff::sys
