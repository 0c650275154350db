// One mail transaction: the envelope, the content as it arrives, and the replies still to be sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/envelope.hh"
#include "lmtp/data_reader.hh"
#include "lmtp/dsn_report.hh"
#include "lmtp/header_filter.hh"
#include "lmtp/reply.hh"

namespace handoff::lmtp {

// A recipient that is refused after the content, without asking the spool.
struct Refused {
  Sender sender;
  Recipient recipient;
  Reply reply;
};

class Transaction;

// The content of a transaction as it arrives.
struct IncomingContent {
  enum class Phase { kTrace, kOctets, kBetweenChunks, kEnding, kSettling };

  // `transaction` outlives the object.
  IncomingContent(bool by_bdat, Transaction& transaction);
  void begin_chunk(std::uint64_t octets, bool last);

  const bool chunked;  // sent with BDAT
  Phase phase = Phase::kBetweenChunks;
  DataReader data;
  ChunkReader chunk;
  std::uint64_t chunk_size = 0;  // octets, as BDAT said
  bool last_chunk = false;
  bool stored = false;           // the worker has a staging file, or passes the content on
  bool relayed = false;          // the worker passes it on to another host
  std::optional<Reply> refusal;  // for all recipients: the content is read and discarded
  std::uint64_t size = 0;        // octets so far
  std::string trace;
  bool personal = false;        // each delivery gets its own Delivered-To:
  std::string_view unfiltered;  // octets that have not yet passed the filter
  std::string_view delayed;     // octets that passed it and follow the blank line
  bool blank_line = false;      // a blank line was added before the body
  HeaderFilter filter;
  NewlineCheck newlines;
  std::optional<DsnReport> report;  // if NOTIFY=SUCCESS asks for one
};

class Transaction {
 public:
  // `separate`: addresses with the same mailbox are settled separately, because what happens to
  // the message depends on the address.
  explicit Transaction(Envelope envelope, bool separate = false)
      : envelope_(std::move(envelope)), separate_(separate) {
    envelope_.recipients.reserve(kUsualRecipients);
    owed_.reserve(kUsualRecipients);
  }

  Transaction(const Transaction&) = delete;  // the content refers to this object
  Transaction& operator=(const Transaction&) = delete;

  const Envelope& envelope() const { return envelope_; }
  void add(Recipient recipient);

  // The message has a field Delivered-To: `address`.
  void count_delivered_to(std::string_view address);

  // Settles every recipient that has no reply yet.
  void settle_all(const Reply& reply);
  // Settles `recipient` (one of envelope().recipients) and, unless they are settled separately, all
  // others with the same mailbox: a mailbox that is named twice gets one copy and equal replies
  // (RFC 2033 4.2). Returns the settled ones.
  std::vector<const Recipient*> settle(const Recipient& recipient, const Reply& reply);
  // Settles recipients whose mailbox occurs in more than `most` fields Delivered-To:. Each delivery
  // adds one field: a few mean that the message was resent, many mean a mail loop.
  void settle_loops(unsigned most);
  // Returns the recipients that settle_all() and settle_loops() settled, in RCPT order. Requires
  // that settle() was not called.
  std::vector<Refused> refused() const;

  // Returns the recipients that have no reply yet, in RCPT order; of those with the same mailbox,
  // only the first.
  std::vector<const Recipient*> unsettled() const;

  // Moves the due replies to `out`: those of the next recipients in RCPT order, up to the first
  // whose result is unknown. Returns true if all replies have been taken.
  bool take_replies(std::string& out);

  std::optional<IncomingContent> content;

 private:
  struct Owed {
    std::optional<Reply> reply;
  };
  bool is_same(const Recipient& a, const Recipient& b) const {
    if (!a.mailbox.same_place(b.mailbox)) return false;
    return !separate_ || a.mailbox.backend || a.address == b.address;
  }
  // This many need no reallocation, which would move all of them.
  static constexpr std::size_t kUsualRecipients = 16;
  Envelope envelope_;
  bool separate_;
  // For each recipient's address in lower case, the number of fields Delivered-To: that name it.
  // Empty until the first such field.
  std::unordered_map<std::string, unsigned> delivered_to_;
  std::vector<Owed> owed_;  // parallel to envelope_.recipients
  std::size_t sent_ = 0;
};

}  // namespace handoff::lmtp
