#include "recipients/any_lookup.hh"

#include "recipients/layout.hh"

namespace handoff::recipients {

Result<std::optional<Mailbox>> AnyLookup::find(const Address& address) {
  auto path = expand_layout(layout_, address);
  if (!path) return std::optional<Mailbox>();
  return std::optional(Mailbox{*path, "", address.text(), true});
}

}  // namespace handoff::recipients
