// handoffctl explain ADDRESS [--json]: what RCPT would say to an address, and why.
#pragma once

#include "ctl/command.hh"

namespace handoff::ctl {

// EX_OK where the recipient would be accepted, EX_NOUSER where it would be refused for good,
// EX_TEMPFAIL where it would be put off.
int explain(const Invocation& invocation);

}  // namespace handoff::ctl
