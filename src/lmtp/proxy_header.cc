#include "lmtp/proxy_header.hh"

#include <algorithm>
#include <cstdint>

#include "base/text.hh"

namespace handoff::lmtp {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryHead = 16;
constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kShortestLine = std::string_view("PROXY UNKNOWN\r\n").size();
constexpr std::size_t kLongestLine = 107;

constexpr ProxyHeader kMalformed{.malformed = true, .client = {}, .ends = {}};

ProxyHeader wanting(std::size_t octets) { return {.wants = octets, .client = {}, .ends = {}}; }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  auto port = parse_number(text);
  bool valid = port && *port <= UINT16_MAX && (text.size() == 1 || text.front() != '0');
  return valid ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

// Version 1: "PROXY" SP ("TCP4" | "TCP6") SP source SP destination SP port SP port CRLF, or
// "PROXY UNKNOWN" and anything.
ProxyHeader parse_line(std::string_view octets) {
  auto end = octets.find("\r\n");
  if (end == octets.npos) {
    // A CR at the end may be the first octet of the line end.
    auto wants = octets.size() < kShortestLine ? kShortestLine - octets.size()
                 : octets.ends_with('\r')      ? 1u
                                               : 2u;
    if (octets.size() + wants > kLongestLine) return kMalformed;
    return wanting(wants);
  }
  if (end + 2 != octets.size()) return kMalformed;
  auto words = split(octets.substr(kWord.size(), end - kWord.size()), ' ');
  if (words[0] == "UNKNOWN") return {};
  bool v4 = words[0] == "TCP4";
  if (!(v4 || words[0] == "TCP6") || words.size() != 5) return kMalformed;
  auto address = [&](std::string_view text) {
    bool colon = text.find(':') != text.npos;
    return colon == v4 ? std::nullopt : parse_ip(text);
  };
  auto source = address(words[1]);
  auto destination = address(words[2]);
  auto from = parse_port(words[3]);
  auto to = parse_port(words[4]);
  if (!source || !destination || !from || !to) return kMalformed;
  return {.client = source, .ends = {*source, *from, *destination, *to}};
}

// Version 2: signature, version and command, family and protocol, length of the rest, addresses,
// and further fields, which are ignored.
ProxyHeader parse_binary(std::string_view octets) {
  if (octets.size() < kBinaryHead) return wanting(kBinaryHead - octets.size());
  auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(octets[i]); };
  std::size_t size = kBinaryHead + (std::size_t{octet(14)} << 8) + octet(15);
  auto command = octet(12);
  bool local = command == 0x20;
  if (!local && command != 0x21) return kMalformed;
  if (octets.size() < size) return wanting(size - octets.size());
  if (octets.size() > size) return kMalformed;
  constexpr std::uint8_t kTcp4 = 0x11;
  constexpr std::uint8_t kTcp6 = 0x21;
  auto family = octet(13);
  if (local || (family != kTcp4 && family != kTcp6)) return {};
  std::size_t length = family == kTcp4 ? 4 : 16;
  if (size < kBinaryHead + 2 * (length + 2)) return kMalformed;  // both addresses and ports
  auto address_at = [&](std::size_t at) {
    IpAddress address = *parse_ip("0.0.0.0");
    std::copy_n(octets.begin() + static_cast<long>(at), length,
                address.end() - static_cast<long>(length));
    return address;
  };
  auto port_at = [&](std::size_t at) {
    return static_cast<std::uint16_t>(octet(at) << 8 | octet(at + 1));
  };
  auto ports = kBinaryHead + 2 * length;
  auto client = address_at(kBinaryHead);
  return {.client = client,
          .ends = {client, port_at(ports), address_at(kBinaryHead + length), port_at(ports + 2)}};
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view octets) {
  auto begins = [&](std::string_view start) {
    auto size = std::min(octets.size(), start.size());
    return octets.substr(0, size) == start.substr(0, size);
  };
  if (begins(kSignature) && !octets.empty()) return parse_binary(octets);
  return begins(kWord) ? parse_line(octets) : kMalformed;
}

bool is_proxy_header(std::string_view line, std::uint64_t number) {
  return (number == 1 && line.starts_with(kWord)) ||
         (number == 3 && line == std::string_view("\0", 1));
}

}  // namespace handoff::lmtp
