// The stop signals of a worker: SIGTERM, the server drains; kRetire, this worker alone is to go,
// and others serve on. Both are blocked everywhere but in waits by ppoll and in let_stop_in(), so
// they never interrupt a delivery, and there is no moment between looking at the flag and waiting
// in which one is lost. A wait for what is there already lets none in (ppoll on Linux).
#pragma once

#include <csignal>
#include <span>

#include "sys/fd.hh"

namespace handoff::sys {

// What the master sends to a worker that others take the place of.
inline constexpr int kRetire = SIGUSR2;

// Installs the handler for the stop signals and blocks them; SIGINT and SIGHUP are ignored (a
// terminal sends them to the whole process group, and they are the master's business); SIGPIPE is
// ignored (a write says EPIPE). All others get their default back. Call once, early, in a worker or
// stdin session.
void catch_stop_signal();
// In a child of the master that is no worker: every signal does what it does by default.
void default_signals();
// When the parent dies, `life` takes the place of each of these descriptors (the first 64), and a
// stop is requested: so nothing keeps a dead master's listeners open. `life` is the read end of a
// pipe whose other end the parent holds. Where the kernel tells of the death (Linux, FreeBSD) it
// happens in that moment, whatever the worker is at; elsewhere in the next wait for a connection's
// octets. Call after privileges were dropped: that makes Linux forget it.
void on_parent_death(std::span<const Fd* const> let_go_of, const Fd& life);
// The descriptor that waits have to look at for that, -1: none; and what to do when it is readable.
int life_to_watch();
void parent_has_died();
// A stop signal has come.
bool stop_requested();
// kRetire alone has come.
bool only_retiring();
// Takes what has come; requires catch_stop_signal().
void let_stop_in();
// The mask for waits: the stop signals come through. Valid after catch_stop_signal().
const sigset_t* wait_mask();

}  // namespace handoff::sys
