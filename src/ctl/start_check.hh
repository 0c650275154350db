// What people get wrong before the first start, beyond what a trial finds (worker/trial).
#pragma once

#include "conf/config.hh"
#include "ctl/report.hh"
#include "sys/files.hh"

namespace handoff::ctl {

// A spool that anybody can write to or that is on two filesystems, and unix sockets in folders that
// the queue manager cannot enter, are problems; a host name without a domain, and sockets that only
// root and their owner can connect to, are notes. Requires the rights to read the spool; a socket's
// folder that cannot be looked at is passed over. Blocks for the disk alone.
void check_start(sys::Files& files, const conf::Config& config, Report& report);

// The part of it that is not about the spool: for the doctor, who looks at that himself.
void check_reach(sys::Files& files, const conf::Config& config, Report& report);

// A note where lookups may name owners of mailboxes and a server that is not `root` could not
// deliver as them.
void check_owners(const conf::Config& config, bool root, Report& report);

}  // namespace handoff::ctl
