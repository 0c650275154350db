// recipients.lookup = any: every address that can be a mailbox is one; it is made with its first
// message.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

class AnyLookup final : public Lookup {
 public:
  explicit AnyLookup(const Ground& ground) : layout_(ground.layout) {}
  Result<Answer> find(const Address& address) override;
  bool tells() const override { return false; }

 private:
  const std::string& layout_;
};

}  // namespace handoff::recipients
