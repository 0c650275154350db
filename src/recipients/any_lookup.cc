#include "recipients/any_lookup.hh"

#include "recipients/layout.hh"

namespace handoff::recipients {

Result<std::optional<Mailbox>> AnyLookup::find(const Address& address) {
  auto mailbox = mailbox_by_layout(layout_, address);
  if (mailbox) mailbox->create = true;
  return mailbox;
}

}  // namespace handoff::recipients
