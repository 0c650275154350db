// Where a server listens or a client connects: "unix:PATH", "tcp:HOST:PORT", or "tls:HOST:PORT",
// where TLS is spoken from the first octet on.
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
  bool tls = false;  // tcp: not by STARTTLS, but at once

  // As it is written in the configuration.
  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

// Nothing where `text` is no endpoint. An IPv6 host stands in brackets: "tcp:[::1]:24".
std::optional<Endpoint> parse_endpoint(std::string_view text);

}  // namespace handoff
