// handoffd --stdin: one LMTP session on standard input and output, started by inetd (nowait),
// xinetd, or a sendmail mailer.
#pragma once

#include "conf/config.hh"
#include "sys/log.hh"
#include "worker/services.hh"

namespace handoff::worker {

// Becomes config.user if the process is root. Writes only LMTP to standard output. Returns the exit
// code (sysexits.h): EX_OK after a session that ended normally; EX_TEMPFAIL if it was interrupted,
// or could not begin because of the spool, so that mail stays queued; EX_NOPERM if the client is
// not allowed; EX_CONFIG if it must not run here at all, such as on TCP port 25.
int run_stdin(const conf::Config& config, const sys::Log& log, Companions companions = {});

}  // namespace handoff::worker
