// Examines whether mail could be delivered now, for /healthz, the status page, `handoffctl status`
// and `handoffctl doctor` (board/condition.hh). Each function irrevocably becomes config.user and
// is confined like a worker, so it must run in a process of its own, which the caller kills if it
// takes too long.
#pragma once

#include <vector>

#include "base/endpoint.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "sys/fd.hh"
#include "sys/stream.hh"
#include "worker/services.hh"

namespace handoff::worker {

// Starts a lookup process for the examination, and returns this end of its socket: not open if the
// configuration needs none. It ends after ten seconds at the latest. Call this before the passwords
// are forgotten, which the examination does not need.
Result<sys::Fd> start_examined_lookups(const conf::Config& config, const sys::Log& log,
                                       const recipients::Modules& modules);
// Writes a file in staging to disk, queries the free space of the spool's filesystem, and asks each
// lookup for an address that nobody has, for at most three seconds in all. `lookup_process`: the
// result of start_examined_lookups(). Writes its findings to `report` (board::read_report). Returns
// the exit code: 0 if it got to the end, whatever it found.
int examine(const conf::Config& config, const recipients::Tables& tables,
            Result<sys::Fd> lookup_process, const sys::Fd& report);

// Expects a greeting and a goodbye from each of `endpoints` within five seconds, except those that
// start with TLS. Reports in the same way.
int greet(const conf::Config& config, const std::vector<Endpoint>& endpoints,
          const sys::Fd& report);

// Also used by trials (trial.hh): reads the replies to LHLO and QUIT, which the caller has sent.
// Fails if a reply is missing at `until`, or is not that of a working server.
Status check_replies(sys::Stream& stream, sys::Deadline until);

}  // namespace handoff::worker
