#include "recipients/resolver.hh"

#include "base/text.hh"
#include "base/unicode.hh"
#include "recipients/layout.hh"
#include "sys/process.hh"

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

Result<sys::Fd> Resolver::open_place(const Mailbox& mailbox) {
  auto path = mailbox.below_base();
  if (mailbox.base.empty()) return ground_.files.open_directory(ground_.spool, path);
  auto base = ground_.files.open_root(mailbox.base);
  if (!base) return base;
  return ground_.files.open_directory(base.value(), path);
}

Result<std::optional<Mailbox>> Resolver::resolve(const Address& address) {
  auto named = fold_address(address, options_);
  auto found = lookup_.find(named.user);
  if (!found || !found.value()) return found;
  Mailbox mailbox = *found.value();
  // Nothing here becomes another user, and a file of the wrong one could not be read by its owner.
  if (mailbox.owner && mailbox.owner->uid != sys::own_uid()) {
    return Error{EPERM, "the mailbox belongs to another user than handoffd runs as",
                 mailbox.name()};
  }
  if (!is_plain_name(named.detail)) return found;
  mailbox.folder = named.detail;
  auto folder = open_place(mailbox);
  // Whatever is wrong with the folder, the inbox is there.
  if (!folder) mailbox.folder.clear();
  return std::optional(std::move(mailbox));
}

}  // namespace handoff::recipients
