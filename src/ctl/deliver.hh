// `handoffctl deliver`: the message on standard input, to each recipient on the command line.
#pragma once

#include "ctl/command.hh"

namespace handoff::ctl {

// Each recipient's reply goes to standard error as soon as it is known.
int deliver(const Invocation& invocation);

}  // namespace handoff::ctl
