// Closes descriptors and drops rights that a process does not need, so that an attacker who
// controls it can do little.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <span>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// Closes every descriptor above standard error that the caller of this program left open. Keeps the
// descriptors that the caller announces, which are below `first_unannounced`.
void close_inherited(int first_unannounced);

// Closes every descriptor except these and standard error. Standard input and output become
// /dev/null, and so does standard error if it is the same socket as standard input (inetd's
// connection). syslog(3) connects again by itself.
void keep_only(std::span<const Fd* const> descriptors);

// Ignores SIGPIPE and the signals that a terminal or service manager sends to a whole group; resets
// all others. For a process that ends when it has no more work.
void ignore_group_signals();

// Disables core dumps, and prevents other processes of the same user from tracing this one or
// reading its memory (Linux, FreeBSD). Linux undoes this when the user changes: call again then.
void hide_memory();

// Limits this process and its children: files grow to at most `file_size` octets (EFBIG, not a
// signal), and at most `descriptors` are open at a time.
void limit_resources(std::uint64_t file_size, std::uint64_t descriptors);

// Becomes that user and group irrevocably, with no other groups. Requires root. EPERM if the ids
// are root's, or if root can be regained.
Status become_owner(uid_t uid, gid_t gid);

}  // namespace handoff::sys
