// recipients.lookup = passwd: a recipient exists where the local part is a user of the system, by
// whatever nsswitch.conf(5) names: files, LDAP, SSSD. The mailbox is the user's own.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

class PasswdLookup final : public Lookup {
 public:
  explicit PasswdLookup(const Ground& ground) : ground_(ground) {}
  // Root is nobody: it reads no mail. The system's own timeouts hold, not Ground::timeout.
  Result<Answer> find(const Address& address) override;
  bool is_remote() const override { return true; }  // who knows

 private:
  Ground ground_;
};

}  // namespace handoff::recipients
