#include "recipients/lookup.hh"

#include "recipients/any_lookup.hh"
#include "recipients/mailbox_lookup.hh"

namespace handoff::recipients {

std::unique_ptr<Lookup> make_lookup(const std::string& setting, const Ground& ground) {
  if (setting == "mailbox") return std::make_unique<MailboxLookup>(ground);
  if (setting == "any") return std::make_unique<AnyLookup>(ground.layout);
  return nullptr;
}

}  // namespace handoff::recipients
