// `handoffctl doctor`: is everything as handoffd needs it, and what is to be done where it is not.
#pragma once

#include "ctl/command.hh"

namespace handoff::ctl {

// Prints one line for each thing looked at. 0 where all is well, 1 where something is not, 78 where
// the configuration cannot be read. Started by root, it becomes `user` for the look at the spool.
int doctor(const Invocation& invocation);

}  // namespace handoff::ctl
