// recipients.lookup = dovecot:PATH: asks Dovecot's user database, through the socket that Dovecot's
// own LMTP server uses (service auth, unix_listener auth-userdb), so that a site needs no second
// list of users. The protocol is version 1 of Dovecot's auth-master protocol.
#pragma once

#include "recipients/record.hh"

namespace handoff::recipients {

// Parses Dovecot's answer about a user: words separated by tabs, with escapes. Ignores unknown
// fields. EINVAL if a value is malformed.
Result<Record> parse_dovecot_user(std::string_view words);

}  // namespace handoff::recipients
