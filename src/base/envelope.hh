// The envelope of one mail transaction: who sent it, to whom, and how its body is encoded.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hh"
#include "base/mailbox.hh"

namespace handoff {

// RFC 6152, RFC 3030: what MAIL said of the content.
enum class Body { k7Bit, k8BitMime, kBinaryMime };

// RFC 3461 4.1: when the sender wants to hear of a recipient. None set: nothing was said.
struct Notify {
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;
};

// RFC 3461 4.2: the address that the sender wrote.
struct OriginalRecipient {
  std::string type;     // "rfc822", "utf-8"
  std::string address;  // decoded
  std::string encoded;  // as ORCPT= had it: "rfc822;pat+2Bx@example.org"
};

// One successful RCPT.
struct Recipient {
  Address address;  // as the peer named it
  Mailbox mailbox;
  Notify notify;
  std::optional<OriginalRecipient> original;
  // RFC 7293: deliver only to whoever has had the mailbox since then.
  std::optional<std::chrono::sys_seconds> valid_since;
};

struct Envelope {
  Address sender;
  Body body = Body::k7Bit;
  bool utf8 = false;                           // SMTPUTF8 (RFC 6531)
  std::optional<std::uint64_t> declared_size;  // octets, MAIL SIZE= (RFC 1870)
  bool return_full = false;                    // RET=FULL (RFC 3461 4.3)
  std::string envelope_id;                     // ENVID= (RFC 3461 4.4), decoded
  std::vector<Recipient> recipients;           // in RCPT order, duplicates included
};

}  // namespace handoff
