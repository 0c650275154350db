// The address that a server listens on or a client connects to: "unix:PATH", "tcp:HOST:PORT", or
// "tls:HOST:PORT" for TLS from the first octet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace handoff {

struct Endpoint {
  bool is_unix = true;
  std::string path;  // unix
  std::string host;  // tcp: a name or an address without brackets
  std::uint16_t port = 0;
  bool tls = false;  // tcp: TLS from the first octet, without STARTTLS

  // Returns the endpoint in the syntax of the configuration.
  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

// Returns nothing if `text` is not an endpoint. IPv6 addresses need brackets: "tcp:[::1]:24".
std::optional<Endpoint> parse_endpoint(std::string_view text);

}  // namespace handoff
