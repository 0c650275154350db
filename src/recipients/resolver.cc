#include "recipients/resolver.hh"

#include <algorithm>
#include <utility>

#include "base/text.hh"
#include "base/unicode.hh"
#include "recipients/folder.hh"

namespace handoff::recipients {
namespace {

// NAME_MAX, octets: a longer detail cannot be a folder, so the mail goes to the inbox.
constexpr std::size_t kLongestDetail = 255;

}  // namespace

FoldedAddress fold_address(const Address& address, const RecipientRules& rules) {
  FoldedAddress folded;
  folded.user = address;
  auto& [local, domain] = folded.user;
  if (domain.empty()) domain = rules.default_domain;
  if (domain.empty()) domain = rules.hostname;
  // U-label and A-label name the same domain (RFC 5891). Any other non-ASCII domain is unknown.
  domain = to_ascii_domain(domain).value_or(lower(domain));
  if (auto alias = rules.domain_aliases.find(domain); alias != rules.domain_aliases.end()) {
    domain = alias->second;
  }
  local = to_nfc(local);
  // A delimiter at the start separates nothing: there is no user before it.
  auto at = rules.delimiter.empty() ? local.npos : local.find_first_of(rules.delimiter, 1);
  if (at != local.npos) {
    folded.detail = local.substr(at + 1);
    if (folded.detail.size() > kLongestDetail) folded.detail.clear();
    local.resize(at);
  }
  // RFC 5321 4.5.1: postmaster is case-insensitive.
  if (rules.fold || iequals(local, "postmaster")) local = fold_case(local);
  return folded;
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

Result<std::optional<Mailbox>> Resolver::resolve(const Address& address,
                                                 const FolderChoice& choose) {
  auto folded = fold_address(address, rules_);
  if (!is_askable(folded.user)) return std::optional<Mailbox>();
  auto found = lookup_.find(folded.user);
  if (!found) return found.error();
  auto mailbox = std::move(found).value().mailbox;
  if (!mailbox) return mailbox;
  if (!choose) {
    choose_folder(context_.files, context_.spool, rules_, *mailbox, folded.detail);
  } else if (auto chosen = choose(*mailbox, folded.detail); !chosen) {
    return chosen.error();
  }
  return mailbox;
}

}  // namespace handoff::recipients
