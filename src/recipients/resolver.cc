#include "recipients/resolver.hh"

#include "base/text.hh"
#include "base/unicode.hh"
#include "recipients/layout.hh"

namespace handoff::recipients {

Named fold_address(const Address& address, const ResolverOptions& options) {
  Named named;
  named.user = address;
  auto& [local, domain] = named.user;
  if (domain.empty()) domain = options.default_domain;
  if (domain.empty()) domain = options.hostname;
  // U-label and A-label name the same domain (RFC 5891); what is neither can only be unknown.
  domain = to_ascii_domain(domain).value_or(lower(domain));
  local = to_nfc(local);
  // A delimiter at the very start parts nothing: there is no user before it.
  auto at = options.delimiter.empty() ? local.npos : local.find_first_of(options.delimiter, 1);
  if (at != local.npos) {
    named.detail = local.substr(at + 1);
    local.resize(at);
  }
  // RFC 5321 4.5.1: postmaster is postmaster in any case.
  if (options.fold || iequals(local, "postmaster")) local = fold_case(local);
  return named;
}

Result<std::optional<Mailbox>> Resolver::resolve(const Address& address) {
  auto named = fold_address(address, options_);
  auto found = lookup_.find(named.user);
  if (!found || !found.value() || !is_plain_name(named.detail)) return found;
  Mailbox mailbox = *found.value();
  mailbox.folder = named.detail;
  auto folder = ground_.files.open_directory(ground_.spool, mailbox.place());
  // Whatever is wrong with the folder, the inbox is there.
  if (!folder) mailbox.folder.clear();
  return std::optional(std::move(mailbox));
}

}  // namespace handoff::recipients
