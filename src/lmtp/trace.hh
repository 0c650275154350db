// The trace header that handoff writes on top of a message: Return-Path:, Delivered-To:, Received:
// (RFC 5321 4.4).
#pragma once

#include <string>

#include "base/envelope.hh"

namespace handoff::lmtp {

// What the protocol does not know by itself.
struct TraceFacts {
  std::string id;    // handoff's name for the message, as in the log
  std::string date;  // RFC 5322 3.3 date-time
};

// Where a transaction comes from.
struct TraceFrom {
  std::string hello;     // argument of LHLO
  std::string peer;      // "[192.0.2.1]" or "local"; written by us, never by the peer
  std::string hostname;  // ours
  std::string protocol;  // RFC 3848, RFC 6531: "LMTP", "LMTPS", "UTF8LMTPSA"
};

std::string return_path_line(const Address& sender);
std::string delivered_to_line(const Mailbox& mailbox);
// X-Original-To: the address that the sender wrote, as Postfix has it.
std::string original_to_line(const OriginalRecipient& original);
// `for` is said only where there is exactly one recipient: with more it would tell each of them who
// the others are (RFC 5321 7.2).
std::string received_lines(const Envelope& envelope, const TraceFrom& from,
                           const TraceFacts& facts);

}  // namespace handoff::lmtp
