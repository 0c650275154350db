// The header of the PROXY protocol, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt). A proxy
// sends it first, to name the client on whose behalf it connects. No I/O: the caller reads exactly
// ProxyHeader::wants octets more each time, because TLS or LMTP follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/network.hh"

namespace handoff::lmtp {

struct ProxyHeader {
  // Octets to read before the next call; any octets after these may belong to what follows. 0: the
  // header is complete or malformed.
  std::size_t wants = 0;
  bool malformed = false;
  // The client. Nothing if the proxy connects on its own behalf (LOCAL, as in health checks) or
  // does not know the client (UNKNOWN, a unix socket); then use the addresses of the connection.
  std::optional<IpAddress> client;
  // The ends of the client's connection to the proxy, if there is a client.
  Ends ends;
};

// The longest header: version 2 has 16 octets and then a length of 16 bits.
inline constexpr std::size_t kMaxProxyHeader = 16 + 65535;

// `octets`: everything read so far. Never blocks, never throws.
ProxyHeader parse_proxy_header(std::string_view octets);

// Returns whether `line`, a command line without its line end, is one with which a header of either
// version starts. `number` is the number of the line in the session, from 1. Such a line shows that
// the setting proxy-protocol does not include the proxy.
bool is_proxy_header(std::string_view line, std::uint64_t number);

}  // namespace handoff::lmtp
