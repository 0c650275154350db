// Where a server listens or a client connects: "unix:PATH" or "tcp:HOST:PORT".
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

  // As it is written in the configuration.
  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

// Nothing where `text` is no endpoint. An IPv6 host stands in brackets: "tcp:[::1]:24".
std::optional<Endpoint> parse_endpoint(std::string_view text);

}  // namespace handoff
