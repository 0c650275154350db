#include "recipients/resolver.hh"

#include <algorithm>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"
#include "recipients/folder_choice.hh"
#include "sys/process.hh"

namespace handoff::recipients {

Named fold_address(const Address& address, const RecipientRules& rules) {
  Named named;
  named.user = address;
  auto& [local, domain] = named.user;
  if (domain.empty()) domain = rules.default_domain;
  if (domain.empty()) domain = rules.hostname;
  // U-label and A-label name the same domain (RFC 5891); what is neither can only be unknown.
  domain = to_ascii_domain(domain).value_or(lower(domain));
  if (auto alias = rules.domain_aliases.find(domain); alias != rules.domain_aliases.end()) {
    domain = alias->second;
  }
  local = to_nfc(local);
  // A delimiter at the very start parts nothing: there is no user before it.
  auto at = rules.delimiter.empty() ? local.npos : local.find_first_of(rules.delimiter, 1);
  if (at != local.npos) {
    named.detail = local.substr(at + 1);
    local.resize(at);
  }
  // RFC 5321 4.5.1: postmaster is postmaster in any case.
  if (rules.fold || iequals(local, "postmaster")) local = fold_case(local);
  return named;
}

std::function<Address(const Address&)> fold_whole(RecipientRules rules) {
  rules.delimiter.clear();
  return [rules = std::move(rules)](const Address& address) {
    return fold_address(address, rules).user;
  };
}

bool is_askable(const Address& address) {
  return !address.local.empty() && !address.domain.empty() &&
         std::ranges::none_of(address.local, is_control) &&
         std::ranges::none_of(address.domain, is_control);
}

bool Resolver::serves(const Address& address) const {
  return address.domain.empty() || rules_.domains.empty() ||
         rules_.domains.contains(fold_address(address, rules_).user.domain);
}

Result<std::optional<Mailbox>> Resolver::resolve(const Address& address, const AsOwner& as_owner) {
  auto named = fold_address(address, rules_);
  if (!is_askable(named.user)) return std::optional<Mailbox>();
  auto found = lookup_.find(named.user);
  if (!found) return found.error();
  auto mailbox = std::move(found).value().mailbox;
  if (!mailbox) return mailbox;
  // A file of the wrong user could not be read by the mailbox's owner.
  if (sys::is_anothers(*mailbox)) {
    if (!as_owner) {
      return Error{EPERM, "the mailbox belongs to another user than handoffd runs as",
                   mailbox->name()};
    }
    if (auto chosen = as_owner(*mailbox, named.detail); !chosen) return chosen.error();
    return mailbox;
  }
  choose_folder(ground_.files, ground_.spool, rules_, *mailbox, named.detail);
  return mailbox;
}

}  // namespace handoff::recipients
