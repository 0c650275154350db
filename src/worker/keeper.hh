// The process that gets the spool for this host and keeps it, if other hosts can use the spool's
// filesystem or cluster.name is set. Each master has one, and starts nothing else before it.
//
//   master --- forks ---> keeper      "waits HOST", "held", "refused WHY"; or "free": not needed
//
// On such a filesystem it renews the lease of this host (spool/lease.hh).
#pragma once

#include "conf/config.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::worker {

// Writes lines to `to`. Returns the exit code: EX_OK after "free", or when it was stopped by a
// signal and has released the spool; EX_CONFIG after "refused"; EX_TEMPFAIL if another host has
// taken the spool, or if the master (the other end of `life`) has ended: then the spool is not
// released, because workers may still be finishing.
int keep_spool(const conf::Config& config, const sys::Log& log, const sys::Fd& life,
               const sys::Fd& to);

}  // namespace handoff::worker
