// IP networks in CIDR form, for the setting `allow`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff {

// An IP address in network order. IPv4 is stored as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so that a
// v4 client has the same address on a v4 and on a v6 socket.
using IpAddress = std::array<std::uint8_t, 16>;

std::optional<IpAddress> parse_ip(std::string_view text);
// As an address literal of RFC 5321 4.1.3, without its brackets: "192.0.2.1", "IPv6:2001:db8::1".
// IPv4-mapped addresses are written as IPv4.
std::string literal_of(const IpAddress& address);

// Returns the network that counts as one client: an IPv4 address, or the /64 of an IPv6 address,
// which a site assigns to one link (RFC 4291 2.5.4).
IpAddress client_network(const IpAddress& address);

// Both ends of a TCP connection.
struct Ends {
  IpAddress client{};
  std::uint16_t client_port = 0;
  IpAddress server{};
  std::uint16_t server_port = 0;
  bool operator==(const Ends&) const = default;
};

class Network {
 public:
  // "192.0.2.0/24", "2001:db8::/32", or a single address. Returns nothing if `text` is invalid, or
  // if bits after the prefix are set.
  static std::optional<Network> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  IpAddress address_{};
  unsigned prefix_ = 128;  // bits
};

// A value of the settings `trusted` and `proxy-protocol`: a network, "unix" (unix sockets and
// standard input), or "none", which contains no peer.
class PeerGroup {
 public:
  static std::optional<PeerGroup> parse(std::string_view text);
  // For a local client, `address` is nothing.
  bool contains(const std::optional<IpAddress>& address) const;

 private:
  bool local_ = false;
  std::optional<Network> network_;
};

}  // namespace handoff
