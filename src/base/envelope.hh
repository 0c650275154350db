// The envelope of a mail transaction: the sender, the recipients and the encoding of the body.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hh"
#include "base/mailbox.hh"

namespace handoff {

// The reverse-path, for Return-Path: and the log. It may be an invalid address.
struct Sender {
  std::string text;       // without angle brackets; empty: the null path "<>"
  bool valid = true;      // valid by RFC 5321, so mail can be sent to it
  bool in_header = true;  // `text` can be written to Return-Path:

  bool null() const { return text.empty(); }
  std::string bracketed() const { return "<" + text + ">"; }
};

// The encoding of the content, as declared by MAIL (RFC 6152, RFC 3030).
enum class Body { k7Bit, k8BitMime, kBinaryMime };

// RFC 3461 4.2: the recipient's address as the original sender wrote it.
struct OriginalRecipient {
  std::string address;  // decoded
  std::string encoded;  // as in ORCPT=: "rfc822;pat+2Bx@example.org"
};

// One successful RCPT.
struct Recipient {
  Address address;  // as the client sent it
  Mailbox mailbox;
  bool notify_success = false;  // RFC 3461 4.1: the sender wants a report of the delivery
  std::optional<OriginalRecipient> original;
  // RFC 7293: deliver only if the mailbox has had the same owner since this time.
  std::optional<std::chrono::sys_seconds> valid_since;
};

struct Envelope {
  Sender sender;
  Body body = Body::k7Bit;
  bool utf8 = false;                           // SMTPUTF8 (RFC 6531)
  std::optional<std::uint64_t> declared_size;  // octets, MAIL SIZE= (RFC 1870)
  std::string envelope_id;                     // ENVID= (RFC 3461 4.4), decoded
  unsigned hops = 0;                           // proxies that passed it on (XHOPS)
  std::vector<Recipient> recipients;           // in RCPT order, including duplicates

  // Returns whether a recipient's mailbox is at another host, or here.
  bool any_remote() const {
    return std::ranges::any_of(recipients,
                               [](const Recipient& r) { return r.mailbox.backend.has_value(); });
  }
  bool any_local() const {
    return std::ranges::any_of(recipients, [](const Recipient& r) { return !r.mailbox.backend; });
  }
};

}  // namespace handoff
