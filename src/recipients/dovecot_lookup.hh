// recipients.lookup = dovecot:PATH: Dovecot's user database, asked through the socket that its own
// LMTP server asks (service auth, unix_listener auth-userdb), so that a site needs no second list.
// The protocol is that of Dovecot's auth-master clients, version 1.
#pragma once

#include "recipients/record.hh"

namespace handoff::recipients {

// What Dovecot knows of a user: the words of its answer, parted by tabs, undone. Fields that are
// not ours are left alone. EINVAL where one cannot be.
Result<Record> parse_dovecot_user(std::string_view words);

Result<std::unique_ptr<Lookup>> make_dovecot_lookup(const std::string& path, const Ground& ground);

}  // namespace handoff::recipients
