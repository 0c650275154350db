#include "conf/config.hh"

#include <algorithm>

namespace handoff::conf {

RecipientRules Config::recipient_rules() const {
  return {hostname,
          recipients.default_domain,
          recipients.delimiter,
          recipients.fold == Case::kFold,
          {recipients.domains.begin(), recipients.domains.end()},
          recipients.domain_aliases,
          spool.folder_encoding,
          recipients.create_folders};
}

bool Config::may_have_owners() const {
  return std::ranges::any_of(recipients.lookups, [](const std::string& lookup) {
    return lookup != "mailbox" && lookup != "any";
  });
}

}  // namespace handoff::conf
