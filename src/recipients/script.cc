#include "recipients/script.hh"

#include "recipients/layout.hh"
#include "recipients/record.hh"

namespace handoff::recipients {

std::string home_of(const Mailbox& mailbox, std::string_view spool) {
  if (!mailbox.home.empty()) return mailbox.home;
  return mailbox.base.empty() ? std::string(spool) + "/" + mailbox.path : mailbox.name();
}

std::optional<std::string> script_path(std::string_view path, const Mailbox& mailbox,
                                       std::string_view spool) {
  constexpr std::string_view kHome = "%h/";
  bool in_home = path.starts_with(kHome);
  if (in_home) path.remove_prefix(kHome.size());
  auto expanded = expand_path(path, parse_plain_address(mailbox.address));
  if (!expanded || !in_home) return expanded;
  auto home = home_of(mailbox, spool);
  return home + (home.ends_with('/') ? "" : "/") + *expanded;
}

std::optional<std::string> personal_script(std::string_view path, const Mailbox& mailbox,
                                           std::string_view spool) {
  const auto& named = mailbox.script;
  if (named.empty()) return script_path(path, mailbox, spool);
  if (!is_trusted_path(named)) return std::nullopt;
  return named.starts_with('/') ? named : home_of(mailbox, spool) + "/" + named;
}

}  // namespace handoff::recipients
