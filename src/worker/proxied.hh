// Connections through a proxy: the setting proxy-protocol.
#pragma once

#include <optional>

#include "board/slot_writer.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/services.hh"

namespace handoff::worker {

// Returns the peer to serve: the client that a proxy names, or `peer` itself. If `peer` is a proxy,
// reads the header that it must send first, and nothing after it; waits at most ten seconds. If the
// header is missing or malformed, writes the reply, logs and counts it, and returns nothing. A
// health check, which only connects and closes, is not an error.
std::optional<sys::Peer> proxied_peer(Services& services, sys::Stream& stream,
                                      const sys::Peer& peer, board::SlotWriter& slot_writer);

}  // namespace handoff::worker
