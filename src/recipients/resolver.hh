// From the address in RCPT to a mailbox: default domain, case, subaddress, lookup, folder.
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

// An address taken apart.
struct Named {
  Address user;        // folded, without detail
  std::string detail;  // of user+detail; empty: none
};

// Whether `address`, folded, may be asked for at all: it has both parts, and no control character
// that another system could take for an end (R2).
bool is_askable(const Address& address);
Named fold_address(const Address& address, const RecipientRules& rules);
// The same for an address in a table, or what an alias leads to, which is one user's as it stands:
// without a detail.
std::function<Address(const Address&)> fold_whole(RecipientRules rules);

class Resolver {
 public:
  // Sets the folder of a mailbox that belongs to another user than we are, for `detail`, as
  // choose_folder() does; an error where mail cannot be delivered as that user.
  using AsOwner = std::function<Status(Mailbox& mailbox, const std::string& detail)>;

  // `lookup` and what `ground` names outlive the resolver.
  Resolver(RecipientRules rules, const Ground& ground, Lookup& lookup)
      : rules_(std::move(rules)), ground_(ground), lookup_(lookup) {}

  // Whether mail is taken for the domain of `address` at all. An address without one is ours.
  bool serves(const Address& address) const;
  // The mailbox, nobody, or an error as Lookup::find has it, for an address as the peer wrote it. A
  // subaddress becomes the Maildir++ folder of that name where there is one or it may be made, else
  // the folder that the lookup names, else the inbox (R3). Without `as_owner` mailboxes of others
  // are EPERM. May block.
  Result<std::optional<Mailbox>> resolve(const Address& address, const AsOwner& as_owner = {});
  bool tells() const { return lookup_.tells(); }

 private:
  RecipientRules rules_;
  Ground ground_;
  Lookup& lookup_;
};

}  // namespace handoff::recipients
