#include "lmtp/transaction.hh"

#include "base/text.hh"
#include "lmtp/replies.hh"

namespace handoff::lmtp {

void Transaction::add(Recipient recipient) {
  envelope_.recipients.push_back(std::move(recipient));
  owed_.emplace_back();
}

void Transaction::mark_delivered_before(std::string_view address) {
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (iequals(envelope_.recipients[i].mailbox.address, address)) owed_[i].loop = true;
  }
}

void Transaction::settle_all(const Reply& reply) {
  for (Owed& owed : owed_) {
    if (!owed.reply) owed.reply = reply;
  }
}

std::vector<const Recipient*> Transaction::settle(const Recipient& recipient, const Reply& reply) {
  std::vector<const Recipient*> list;
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (!owed_[i].reply && envelope_.recipients[i].mailbox.same_place(recipient.mailbox)) {
      owed_[i].reply = reply;
      list.push_back(&envelope_.recipients[i]);
    }
  }
  return list;
}

void Transaction::settle_loops() {
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    if (owed_[i].loop && !owed_[i].reply) {
      owed_[i].reply = Reply(say::kDeliveredBefore, {envelope_.recipients[i].mailbox.address});
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
      named_before = named_before || other->mailbox.same_place(recipient.mailbox);
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
