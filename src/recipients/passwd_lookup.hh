// recipients.lookup = passwd: a recipient exists where the local part is a user of the system, by
// whatever nsswitch.conf(5) names: files, LDAP, SSSD. The mailbox is the user's own. Root is
// nobody: it reads no mail.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

// getpwnam(3) has no deadline, and what it asks may hang. So a process beside this one asks it,
// which is killed where it takes longer than Ground::timeout, and started with the next question.
// Where that is 0 this process asks by itself, for as long as it takes.
Result<std::unique_ptr<Lookup>> make_passwd_lookup(const std::string& argument,
                                                   const Ground& ground);

}  // namespace handoff::recipients
