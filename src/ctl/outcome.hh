// The result of a delivery for one recipient, and the exit code for all of them.
#pragma once

#include <span>
#include <string>

#include "ctl/colours.hh"
#include "proxy/lmtp_client.hh"

namespace handoff::ctl {

using proxy::Outcome;

// "<pat@example.org> 250 2.0.0 delivered", escaped for a terminal.
std::string line_of(const Outcome& outcome, Colours colours = {});

// For scripts and a queue manager's pipe (sysexits.h): EX_OK if every recipient was accepted,
// EX_TEMPFAIL if sending again may help any of them, otherwise the code for the kind of refusal;
// handoffctl(8) has the table.
int exit_code(std::span<const Outcome> outcomes);

}  // namespace handoff::ctl
