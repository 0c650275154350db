#include "delivery/request.hh"

#include "sys/message_socket.hh"
#include "targets.hh"

namespace handoff::fuzz {

// A message that the delivery process accepts is packed to the same octets: each message has
// exactly one form, and no octet is ignored.
void request(std::string_view octets) {
  if (octets.size() > sys::kMaxMessage) return;
  if (auto asked = delivery::unpack_request(octets)) {
    auto packed = delivery::pack(*asked);
    require(packed.ok() && packed.value() == octets, "a request of two forms");
  }
  if (auto told = delivery::unpack_outcome(octets)) {
    require(delivery::pack(*told) == octets, "an outcome of two forms");
  }
}

}  // namespace handoff::fuzz
