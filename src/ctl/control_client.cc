#include "ctl/control_client.hh"

#include <array>
#include <utility>

#include "base/endpoint.hh"
#include "base/text.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"

namespace handoff::ctl {

Result<ControlAnswer> ask_master(const std::string& socket, std::string_view method,
                                 std::string_view path, std::chrono::seconds limit) {
  auto until = sys::Steady::now() + limit;
  Endpoint endpoint;
  endpoint.path = socket;
  auto fd = sys::connect_to(endpoint, until);
  if (!fd) return fd.error();
  sys::Stream stream(std::move(fd).value());
  auto request = std::string(method) + " " + std::string(path) +
                 " HTTP/1.1\r\nHost: handoffd\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  if (auto sent = stream.write(request, until); !sent) return sent.error();
  std::string all;
  for (;;) {
    std::array<char, 16384> buffer;
    auto got = stream.read(buffer.data(), buffer.size(), until, false);
    if (got.got == sys::Stream::Got::kTimeout) return explained(ETIMEDOUT, "no answer", socket);
    if (got.got != sys::Stream::Got::kOctets) break;
    all.append(buffer.data(), got.size);
  }
  // "HTTP/1.1 200 OK"
  auto body = all.find("\r\n\r\n");
  auto code = all.size() > 12 ? parse_number(std::string_view(all).substr(9, 3)) : std::nullopt;
  if (!code || body == all.npos) return explained(EPIPE, "no answer", socket);
  return ControlAnswer{static_cast<int>(*code), all.substr(body + 4)};
}

}  // namespace handoff::ctl
