// One mail transaction: the envelope, and the replies that are owed for it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/envelope.hh"
#include "lmtp/reply.hh"

namespace handoff::lmtp {

// A recipient who gets nothing of content that was received, whatever the spool would say.
struct Refused {
  Address sender;
  Recipient recipient;
  Reply reply;
};

class Transaction {
 public:
  explicit Transaction(Envelope envelope) : envelope_(std::move(envelope)) {}

  const Envelope& envelope() const { return envelope_; }
  void add(Recipient recipient);

  // The message was found to carry Delivered-To: `address` already.
  void mark_delivered_before(std::string_view address);

  // Settles every recipient that has no reply yet.
  void settle_all(const Reply& reply);
  // Settles `recipient` (one of envelope().recipients) and all that share its mailbox: the same
  // mailbox named twice gets one copy and equal replies (RFC 2033 4.2). Returns those it settled.
  std::vector<const Recipient*> settle(const Recipient& recipient, const Reply& reply);
  // Settles those whose mailbox the message has been in before (a loop).
  void settle_loops();
  // Whom these two have settled, in RCPT order. Of a transaction that settle() was not called for.
  std::vector<Refused> refused() const;

  // One recipient for each mailbox that has no reply yet, in RCPT order.
  std::vector<const Recipient*> unsettled() const;

  // Moves to `out` the replies that are due: those of the next recipients in RCPT order as far as
  // they are known. True when none is owed any more.
  bool take_replies(std::string& out);

 private:
  struct Owed {
    std::optional<Reply> reply;
    bool loop = false;
  };
  Envelope envelope_;
  std::vector<Owed> owed_;  // beside envelope_.recipients
  std::size_t sent_ = 0;
};

}  // namespace handoff::lmtp
