// The workload of lmtpload, and the octets it sends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/endpoint.hh"

namespace handoff::bench {

using Clock = std::chrono::steady_clock;

struct Plan {
  Endpoint endpoint;
  std::uint64_t connections = 8;
  std::uint64_t messages = 0;  // per connection; 0: no limit
  Clock::duration time{};      // no message begins after this
  std::uint64_t recipients = 1;
  std::uint64_t mailboxes = 100;
  std::string address;     // %d is the mailbox's number
  bool pipelining = true;  // MAIL, every RCPT and DATA in one write
  bool chunking = false;   // BDAT ... LAST in place of DATA, in one chunk
  bool reconnect = false;  // a new connection for each message
  // The text after the line of message_id(): CRLF lines and, without chunking, the final dot.
  std::string content;
};

// A unique header line, so that no message is recognised as a repetition of another.
inline constexpr std::size_t kMessageId = 42;  // octets
std::string message_id(std::uint64_t number);
// Returns a message of about `size` octets: a header as queue managers send it and lines of 76
// characters.
std::string make_content(std::uint64_t size, bool chunking);

// MAIL, RCPT and DATA or BDAT of the transaction that begins with mailbox number `mailbox`, one
// line each.
std::vector<std::string> make_commands(const Plan& plan, std::uint64_t mailbox);

}  // namespace handoff::bench
