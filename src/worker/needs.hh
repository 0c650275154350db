// What a session may need of the system beyond what is open when it begins: where it is confined,
// it is left with that (sys/sandbox.hh).
#pragma once

#include "conf/config.hh"
#include "sys/sandbox.hh"

namespace handoff::worker {

// But for the sockets that sessions come in by. `has_delivery`: there is a delivery process to hand
// messages to.
sys::Needs needs_of(const conf::Config& config, bool has_delivery);

}  // namespace handoff::worker
