// recipients.lookup = mailbox: a recipient exists where its mailbox directory does.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

class MailboxLookup final : public Lookup {
 public:
  explicit MailboxLookup(const Ground& ground) : ground_(ground) {}
  Result<std::optional<Mailbox>> find(const Address& address) override;
  bool tells() const override { return true; }

 private:
  Status check_mounted();
  Ground ground_;
};

}  // namespace handoff::recipients
