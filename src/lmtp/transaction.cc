#include "lmtp/transaction.hh"

#include "base/text.hh"
#include "lmtp/replies.hh"

namespace handoff::lmtp {

IncomingContent::IncomingContent(bool by_bdat, Transaction& transaction)
    : chunked(by_bdat), filter([&transaction](std::string_view address) {
        transaction.count_delivered_to(address);
      }) {}

void IncomingContent::begin_chunk(std::uint64_t octets, bool last) {
  chunk = ChunkReader(octets);
  chunk_size = octets;
  last_chunk = last;
  phase = Phase::kOctets;
}

void Transaction::add(Recipient recipient) {
  envelope_.recipients.push_back(std::move(recipient));
  owed_.emplace_back();
}

// Makes one look-up for each field, because a message may have a million fields and a thousand
// recipients.
void Transaction::count_delivered_to(std::string_view address) {
  if (delivered_to_.empty()) {
    for (const Recipient& each : envelope_.recipients) delivered_to_[lower(each.mailbox.address)];
  }
  auto found = delivered_to_.find(lower(address));
  if (found != delivered_to_.end()) ++found->second;
}

void Transaction::settle_all(const Reply& reply) {
  for (Owed& owed : owed_) {
    if (!owed.reply) owed.reply = reply;
  }
}

std::vector<const Recipient*> Transaction::settle(const Recipient& recipient, const Reply& reply) {
  std::vector<const Recipient*> list;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (!owed_[i].reply && is_same(envelope_.recipients[i], recipient)) {
      owed_[i].reply = reply;
      list.push_back(&envelope_.recipients[i]);
    }
  }
  return list;
}

void Transaction::settle_loops(unsigned most) {
  if (delivered_to_.empty()) return;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (envelope_.recipients[i].mailbox.backend) continue;  // that host looks for loops
    const auto& address = envelope_.recipients[i].mailbox.address;
    if (!owed_[i].reply && delivered_to_.at(lower(address)) > most) {
      owed_[i].reply = Reply(say::kDeliveredBefore, {address, std::to_string(most)});
    }
  }
}

std::vector<Refused> Transaction::refused() const {
  std::vector<Refused> list;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (owed_[i].reply) {
      list.push_back({envelope_.sender, envelope_.recipients[i], *owed_[i].reply});
    }
  }
  return list;
}

std::vector<const Recipient*> Transaction::unsettled() const {
  std::vector<const Recipient*> list;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    const Recipient& recipient = envelope_.recipients[i];
    bool named_before = false;
    for (const Recipient* other : list) {
      named_before = named_before || is_same(*other, recipient);
    }
    if (!owed_[i].reply && !named_before) list.push_back(&recipient);
  }
  return list;
}

bool Transaction::take_replies(std::string& out) {
  while (sent_ < owed_.size() && owed_[sent_].reply) owed_[sent_++].reply->append_to(out);
  return sent_ == owed_.size();
}

}  // namespace handoff::lmtp
