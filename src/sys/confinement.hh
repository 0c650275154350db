// What a process with privileges lets go of, so that little is left to be misused.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <span>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// Closes every descriptor but these and standard error, where that is no socket (inetd's is the
// connection); standard input and output become /dev/null. The log, where it goes to syslog, opens
// again by itself.
void keep_only(std::span<const Fd* const> descriptors);

// Signals that a terminal or a service manager sends to a whole group are ignored, and SIGPIPE; all
// others do what they do by default. For a process that goes when its work is gone.
void ignore_group_signals();

// No core dump, no way to look into this process (Linux, FreeBSD), no privilege by exec (Linux).
void close_to_others();

// Of this process and its children: no file that is written gets larger than `file_size` octets
// (EFBIG, not a signal), and no more than `descriptors` are open at a time.
void limit_resources(std::uint64_t file_size, std::uint64_t descriptors);

// Becomes that user and group for good, with no other groups, and makes sure that there is no way
// back. Requires root. EPERM where the ids are root's, or where root could be had back.
Status become_owner(uid_t uid, gid_t gid);

}  // namespace handoff::sys
