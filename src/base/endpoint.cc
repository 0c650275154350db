#include "base/endpoint.hh"

#include "base/text.hh"

namespace handoff {

std::string Endpoint::text() const {
  if (is_unix) return "unix:" + path;
  bool v6 = host.find(':') != std::string::npos;
  return (tls ? "tls:" : "tcp:") + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint out;
  if (text.starts_with("unix:")) {
    out.path = text.substr(5);
    // sun_path has room for 104 octets on the BSDs and 108 on Linux, including the NUL.
    if (out.path.empty() || out.path.size() > 103) return std::nullopt;
    return out;
  }
  out.tls = text.starts_with("tls:");
  if (!out.tls && !text.starts_with("tcp:")) return std::nullopt;
  text.remove_prefix(4);
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  auto port = parse_number(text.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.empty() || !port || *port == 0 || *port > 65535) return std::nullopt;
  out.is_unix = false;
  out.host = host;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

}  // namespace handoff
