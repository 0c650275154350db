// What an operator asks of a running handoffd: `handoffctl status`, reload, drain, stop, upgrade.
// All exit with 0 where it was done, and 69 (EX_UNAVAILABLE) where no server runs.
#pragma once

#include "ctl/command.hh"

namespace handoff::ctl {

// Prints the table, or with --json the object; with --watch anew each second until interrupted.
int status(const Invocation& invocation);
// Returns when the new configuration is in force; 78 and the cause where it was refused.
int reload(const Invocation& invocation);
// Returns when the new program serves; 69 and the cause where the old one goes on.
int upgrade(const Invocation& invocation);
// Returns at once: sessions end what they have begun.
int drain(const Invocation& invocation);
// As drain, and returns when the server has ended.
int stop(const Invocation& invocation);

}  // namespace handoff::ctl
