// The envelope of one mail transaction: who sent it, to whom, and how its body is encoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hh"
#include "base/mailbox.hh"

namespace handoff {

// RFC 6152, RFC 3030: what MAIL said of the content.
enum class Body { k7Bit, k8BitMime, kBinaryMime };

// One successful RCPT.
struct Recipient {
  Address address;  // as the peer named it
  Mailbox mailbox;
};

struct Envelope {
  Address sender;
  Body body = Body::k7Bit;
  std::optional<std::uint64_t> declared_size;  // octets, MAIL SIZE= (RFC 1870)
  std::vector<Recipient> recipients;           // in RCPT order, duplicates included
};

}  // namespace handoff
