#include "base/network.hh"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.hh"

namespace handoff {
namespace {

constexpr IpAddress kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};

bool bit(const IpAddress& address, unsigned n) { return (address[n / 8] >> (7 - n % 8) & 1) != 0; }

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::string zero_ended(text);
  IpAddress address = kMapped;
  if (::inet_pton(AF_INET, zero_ended.c_str(), address.data() + 12) == 1) return address;
  if (::inet_pton(AF_INET6, zero_ended.c_str(), address.data()) == 1) return address;
  return std::nullopt;
}

std::string literal_of(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  bool v4 = std::equal(kMapped.begin(), kMapped.begin() + 12, address.begin());
  ::inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? 12 : 0), text.data(), text.size());
  return (v4 ? "" : "IPv6:") + std::string(text.data());
}

IpAddress client_network(const IpAddress& address) {
  IpAddress out = address;
  bool v4 = std::equal(kMapped.begin(), kMapped.begin() + 12, address.begin());
  if (!v4) std::fill(out.begin() + 8, out.end(), std::uint8_t{0});
  return out;
}

std::optional<Network> Network::parse(std::string_view text) {
  Network network;
  auto slash = text.find('/');
  auto address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  network.address_ = *address;
  if (slash != std::string_view::npos) {
    bool v4 = text.find(':') == std::string_view::npos;
    auto prefix = parse_number(text.substr(slash + 1));
    if (!prefix || *prefix > (v4 ? 32 : 128)) return std::nullopt;
    network.prefix_ = static_cast<unsigned>(*prefix) + (v4 ? 96 : 0);
  }
  for (unsigned n = network.prefix_; n < 128; ++n) {
    if (bit(network.address_, n)) return std::nullopt;
  }
  return network;
}

bool Network::contains(const IpAddress& address) const {
  for (unsigned n = 0; n < prefix_; ++n) {
    if (bit(address_, n) != bit(address, n)) return false;
  }
  return true;
}

std::optional<PeerGroup> PeerGroup::parse(std::string_view text) {
  PeerGroup group;
  if (text == "none") return group;
  group.local_ = text == "unix";
  if (!group.local_) group.network_ = Network::parse(text);
  return group.local_ || group.network_ ? std::optional(group) : std::nullopt;
}

bool PeerGroup::contains(const std::optional<IpAddress>& address) const {
  if (!address) return local_;
  return network_ && network_->contains(*address);
}

}  // namespace handoff
