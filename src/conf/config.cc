#include "conf/config.hh"

#include <algorithm>

#include "sys/digest.hh"

namespace handoff::conf {

Error Config::locate(std::string_view setting, Error error) const {
  auto origin = origins.find(setting);
  error.what = (origin == origins.end() ? "" : origin->second + ": ") + std::string(setting) +
               ": " + error.what;
  return error;
}

Result<sys::Account> Config::account() const {
  auto account = sys::find_account(user, {});
  if (!account) return locate("user", account.error());
  if (group.empty()) return account;
  auto gid = sys::find_group(group);
  if (!gid) return locate("group", gid.error());
  account.value().gid = gid.value();
  return account;
}

RecipientRules Config::recipient_rules() const {
  return {.hostname = hostname,
          .default_domain = recipients.default_domain,
          .delimiter = recipients.delimiter,
          .fold = recipients.fold == Case::kFold,
          .domains = {recipients.domains.begin(), recipients.domains.end()},
          .domain_aliases = recipients.domain_aliases,
          .folder_encoding = spool.folder_encoding,
          .create_folders = recipients.create_folders};
}

std::string Config::run_directory() const {
  auto folder = control_socket.substr(0, control_socket.rfind('/') + 1);
  return folder + "spool-" + sys::hex(sys::digest_of(spool.path)).substr(0, 16);
}

bool Config::may_have_owners() const {
  return std::ranges::any_of(recipients.lookups,
                             [](const auto& lookup) { return lookup.kind.names_owners(); });
}

}  // namespace handoff::conf
