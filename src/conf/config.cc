#include "conf/config.hh"

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

}  // namespace handoff::conf
