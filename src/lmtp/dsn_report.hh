// The report that a sender gets of recipients who have the message, where NOTIFY=SUCCESS asked for
// it (RFC 3461 6.2, RFC 3464; RFC 6533 where the transaction is SMTPUTF8). Text alone: the worker
// has it sent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/envelope.hh"

namespace handoff::lmtp {

// The header of a message as it passes: up to the empty line, and no more of it than kMost.
class HeaderCopy {
 public:
  void take(std::string_view octets);
  // The header is over, without the line that has begun: it does not fit, or is of the body.
  void end();
  const std::string& text() const { return text_; }  // whole lines, ending in LF

 private:
  static constexpr std::size_t kMost = 64 << 10;  // octets
  std::string text_;
  bool ended_ = false;
};

// What is to be reported of one transaction.
struct DsnReport {
  Address sender;           // who gets it; never the null sender
  bool utf8 = false;        // SMTPUTF8
  std::string envelope_id;  // ENVID=, decoded; empty: none
  std::string arrival;      // RFC 5322 date-time
  std::vector<Recipient> delivered;
  // Of the original message: RET=FULL is for reports of failures (RFC 3461 4.3).
  HeaderCopy header;
};

// What the protocol does not know by itself.
struct DsnFacts {
  std::string hostname;
  std::string id;    // of the message, as in the log; also parts the report
  std::string date;  // now; RFC 5322 date-time
};

// The whole message, with LF line ends, as sendmail takes it.
std::string dsn_text(const DsnReport& report, const DsnFacts& facts);

}  // namespace handoff::lmtp
