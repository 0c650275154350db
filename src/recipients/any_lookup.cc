#include "recipients/any_lookup.hh"

#include "recipients/layout.hh"

namespace handoff::recipients {

Result<Answer> AnyLookup::find(const Address& address) {
  auto mailbox = mailbox_by_layout(layout_, address);
  if (!mailbox) return Answer();
  mailbox->create = true;
  return Answer(std::move(*mailbox));
}

}  // namespace handoff::recipients
