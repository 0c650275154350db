// The report to the sender that recipients have received the message, if NOTIFY=SUCCESS asked for
// it (RFC 3461 6.2, RFC 3464; RFC 6533 if the transaction is SMTPUTF8). Only the text: the worker
// sends it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/envelope.hh"

namespace handoff::lmtp {

// Collects the header of a message from its slices, up to the empty line but at most kMost octets.
class HeaderCopy {
 public:
  void take(std::string_view octets);
  // The header has ended. Drops an incomplete last line: it is too long, or part of the body.
  void end();
  const std::string& text() const { return text_; }  // whole lines, ending in LF

 private:
  static constexpr std::size_t kMost = 64 << 10;  // octets
  std::string text_;
  bool ended_ = false;
};

// The facts about one transaction for its report.
struct DsnReport {
  Sender sender;            // receives the report; never the null sender
  bool utf8 = false;        // SMTPUTF8
  std::string envelope_id;  // ENVID=, decoded; empty: none
  std::string arrival;      // RFC 5322 date-time
  std::vector<Recipient> delivered;
  // The header of the original message. The message is never returned in full: RET=FULL concerns
  // only reports of failures (RFC 3461 4.3).
  HeaderCopy header;
};

// Facts that the protocol code does not know.
struct DsnFacts {
  std::string hostname;
  std::string id;    // of the message, as in the log; also used for the MIME boundary
  std::string date;  // now; RFC 5322 date-time
};

// Returns the whole message, with LF line ends, as sendmail expects it.
std::string dsn_text(const DsnReport& report, const DsnFacts& facts);

}  // namespace handoff::lmtp
