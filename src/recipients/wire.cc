#include "recipients/wire.hh"

#include <array>

#include "sys/sockets.hh"

namespace handoff::recipients {

Result<Wire> Wire::open(const Endpoint& endpoint, sys::Deadline deadline) {
  auto socket = sys::connect_to(endpoint, deadline);
  if (!socket) return socket.error();
  return Wire(std::move(socket).value());
}

Status Wire::write(std::string_view octets, sys::Deadline deadline) {
  return stream_.write(octets, deadline);
}

Status Wire::read_more(sys::Deadline deadline) {
  if (input_.size() > kMost) return explained(EPROTO, "the answer is too long");
  std::array<char, 4096> buffer;
  auto got = stream_.read(buffer.data(), buffer.size(), deadline, false);
  if (got.got == sys::Stream::Got::kTimeout) return explained(ETIMEDOUT, "no answer");
  if (got.got != sys::Stream::Got::kOctets) return explained(EPIPE, "the server has gone");
  input_.append(buffer.data(), got.size);
  return {};
}

Result<std::string> Wire::until(char end, sys::Deadline deadline) {
  auto at = input_.find(end);
  while (at == input_.npos) {
    if (auto more = read_more(deadline); !more) return more.error();
    at = input_.find(end);
  }
  auto out = input_.substr(0, at);
  input_.erase(0, at + 1);
  return out;
}

Result<std::string> Wire::octets(std::size_t count, sys::Deadline deadline) {
  while (input_.size() < count) {
    if (auto more = read_more(deadline); !more) return more.error();
  }
  auto out = input_.substr(0, count);
  input_.erase(0, count);
  return out;
}

}  // namespace handoff::recipients
