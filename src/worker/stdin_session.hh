// handoffd --stdin: one LMTP session on standard input and output, from inetd (nowait), xinetd, or
// a sendmail mailer.
#pragma once

#include "conf/config.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::worker {

// Becomes config.user where the process is root, and speaks nothing but LMTP on standard output.
// Returns the exit code (sysexits.h): EX_OK after a session that ended in order; EX_TEMPFAIL for
// one that was cut, or that could not begin for want of the spool: queued mail waits; EX_NOPERM for
// a client that is not allowed; EX_CONFIG where it must not run at all, as on TCP port 25.
// `delivery`: the way to a delivery process, where there is one.
int run_stdin(const conf::Config& config, const sys::Log& log, sys::Fd delivery = {});

}  // namespace handoff::worker
