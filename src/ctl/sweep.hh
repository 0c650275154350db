// handoffctl sweep.
#pragma once

#include "ctl/command.hh"

namespace handoff::ctl {

// Removes what dead processes left in the spool, as the server does now and then, or with --dry-run
// says what that would be. Runs as the user that delivers, beside a server or without one.
int sweep(const Invocation& invocation);

}  // namespace handoff::ctl
