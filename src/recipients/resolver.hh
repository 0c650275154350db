// Resolves the address in RCPT to a mailbox: default domain, case, subaddress, lookup, folder.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/address.hh"
#include "base/mailbox.hh"
#include "base/recipient_rules.hh"
#include "base/result.hh"
#include "recipients/folder.hh"
#include "recipients/lookup.hh"

namespace handoff::recipients {

// A folded address, without its subaddress.
struct FoldedAddress {
  Address user;        // folded, without detail
  std::string detail;  // of user+detail; empty: none
};

// Returns whether the folded `address` may be passed to a lookup: both parts are non-empty and
// contain no control character, which another system could treat as an end (R2).
bool is_askable(const Address& address);
FoldedAddress fold_address(const Address& address, const RecipientRules& rules);
// The same for an address in a table or the target of an alias: the whole local part names the
// user, so there is no detail.
std::function<Address(const Address&)> fold_whole(RecipientRules rules);

class Resolver {
 public:
  // Sets the folder of a mailbox for `detail`, as choose_folder() does. Returns an error if no mail
  // can be delivered to the mailbox.
  using FolderChoice = std::function<Status(Mailbox& mailbox, const std::string& detail)>;

  // `lookup` and the members of `context` must outlive the resolver.
  Resolver(RecipientRules rules, const LookupContext& context, Lookup& lookup)
      : rules_(std::move(rules)), context_(context), lookup_(lookup) {}

  // Returns whether mail for the domain of `address` is accepted. An address without a domain is
  // ours.
  bool serves(const Address& address) const;
  // Returns the mailbox, nobody, or an error like Lookup::find, for an address as the peer wrote
  // it. The folder is the one that the subaddress names, if it exists or may be created, else the
  // one that the lookup names, else the inbox (R3). `choose` selects it; by default this process
  // does, as far as it can see the mailbox. May block.
  Result<std::optional<Mailbox>> resolve(const Address& address, const FolderChoice& choose = {});
  bool can_verify() const { return lookup_.can_verify(); }

 private:
  RecipientRules rules_;
  LookupContext context_;
  Lookup& lookup_;
};

}  // namespace handoff::recipients
