// recipients.lookup = mailbox: a recipient exists where its mailbox directory does.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

class MailboxLookup final : public Lookup {
 public:
  explicit MailboxLookup(const Ground& ground) : ground_(ground) {}
  Result<Answer> find(const Address& address) override;

 private:
  Status check_mounted(std::string path);
  Status check_not_empty(const sys::Fd& directory, const std::string& path);
  Ground ground_;
};

}  // namespace handoff::recipients
