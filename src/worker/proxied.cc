#include "worker/proxied.hh"

#include <algorithm>
#include <array>
#include <string>

#include "lmtp/proxy_header.hh"
#include "lmtp/replies.hh"

namespace handoff::worker {
namespace {

// The specification requires at least three seconds, to allow for one lost packet.
constexpr std::chrono::seconds kProxyPatience{10};

}  // namespace

std::optional<sys::Peer> proxied_peer(Services& services, sys::Stream& stream,
                                      const sys::Peer& peer, board::SlotWriter& slot_writer) {
  bool is_proxy = std::ranges::any_of(
      services.config.proxies, [&](const PeerGroup& group) { return group.contains(peer.ip); });
  if (!is_proxy) return peer;

  auto until = sys::Steady::now() + kProxyPatience;
  std::string octets;
  std::array<char, 4096> piece;
  auto header = lmtp::parse_proxy_header(octets);
  while (header.wants > 0) {
    auto got = stream.read(piece.data(), std::min(header.wants, piece.size()), until, false);
    if (got.got != sys::Stream::Got::kOctets) {
      bool check = octets.empty() && got.got != sys::Stream::Got::kTimeout;
      if (check) return std::nullopt;  // the proxy connected and closed: a health check
      break;
    }
    octets.append(piece.data(), got.size);
    // The parser runs only when it has all the octets it asked for, so a long header costs little.
    header.wants -= got.size;
    if (header.wants == 0) header = lmtp::parse_proxy_header(octets);
  }
  if (header.wants > 0 || header.malformed) {
    slot_writer.count(board::Counter::kRefusedPeers);
    lmtp::Reply reply(lmtp::say::kNoProxyHeader, {peer.text});
    services.log.warning("refused client", {{"client", peer.text},
                                            {"cause", "proxy-protocol: no valid PROXY header"},
                                            {"reply", reply.one_line()}});
    std::string line;
    reply.append_to(line);
    static_cast<void>(stream.write(line, sys::Steady::now() + kProxyPatience).ok());
    return std::nullopt;
  }
  sys::Peer client = peer;
  // HAProxy's health checks with version 1 name their own connection. A client on the same host as
  // the proxy has the proxy's address, but another connection.
  client.proxy =
      !header.client || (header.client == peer.ip && header.ends.client_port == peer.port);
  if (client.proxy) return client;
  client.ip = header.client;
  client.text = "[" + literal_of(*header.client) + "]";
  return client;
}

}  // namespace handoff::worker
