// The trace header that handoff writes before a message: Return-Path:, Delivered-To:, Received:
// (RFC 5321 4.4).
#pragma once

#include <string>

#include "base/envelope.hh"

namespace handoff::lmtp {

// The original client, as named by a trusted peer with XFORWARD (for one message) or XCLIENT (for
// the connection). Both are commands of Postfix.
struct Forwarded {
  std::string name;     // host name
  std::string address;  // "192.0.2.1", "IPv6:2001:db8::1"
  std::string hello;    // its HELO
  std::string ident;    // the queue manager's name for the message

  std::string hello_or(const std::string& other) const { return hello.empty() ? other : hello; }
  // For Received: and the log: "mx.example.net [192.0.2.1]".
  std::string peer_or(const std::string& other) const {
    if (address.empty()) return other;
    return (name.empty() ? "" : name + " ") + "[" + address + "]";
  }
};

// Facts that the worker provides.
struct TraceFacts {
  std::string id;    // handoff's name for the message, as in the log
  std::string date;  // RFC 5322 3.3 date-time
};

// The source of a transaction.
struct TraceFrom {
  std::string hello;     // argument of LHLO
  std::string peer;      // "[192.0.2.1]" or "local"; we write it, the peer cannot choose it
  std::string hostname;  // ours
  std::string protocol;  // RFC 3848, RFC 6531: "LMTP", "LMTPS", "UTF8LMTPSA"
};

std::string return_path_line(const Sender& sender);
std::string delivered_to_line(const Mailbox& mailbox);
// X-Original-To: the address that the original sender wrote; Postfix uses the same field.
std::string original_to_line(const OriginalRecipient& original);
// Writes `for` only if there is exactly one recipient; otherwise it would disclose recipients to
// each other (RFC 5321 7.2).
std::string received_lines(const Envelope& envelope, const TraceFrom& from,
                           const TraceFacts& facts);

}  // namespace handoff::lmtp
