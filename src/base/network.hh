// IP networks in CIDR form, for the setting `allow`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// An IP address in network order; IPv4 is held as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so that a
// v4 client of a v6 socket is the same client.
using IpAddress = std::array<std::uint8_t, 16>;

std::optional<IpAddress> parse_ip(std::string_view text);

class Network {
 public:
  // "192.0.2.0/24", "2001:db8::/32", or a single address. Nothing where it is none, or where bits
  // behind the prefix are set.
  static std::optional<Network> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  IpAddress address_{};
  unsigned prefix_ = 128;  // bits
};

// Peers of a session, for the setting `trusted`: a network, "unix" (unix sockets and standard
// input), or "none", which no peer is in.
class PeerGroup {
 public:
  static std::optional<PeerGroup> parse(std::string_view text);
  // `address`: of a TCP client; nothing for a local one.
  bool contains(const std::optional<IpAddress>& address) const;

 private:
  bool local_ = false;
  std::optional<Network> network_;
};

}  // namespace handoff
