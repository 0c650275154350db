// The URL of recipients.lookup = ldap. It is an RFC 4516 URL, whose attributes are assigned to
// fields, and whose filter has variables instead of %XX:
//
//   ldap://HOST:PORT/BASE?FIELD=ATTRIBUTE,...?SCOPE?FILTER?EXTENSION,...
//
// Extensions: bindname=DN and password-file=PATH (the identity for the bind; commas in the DN are
// written %2C), starttls.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"

namespace handoff::recipients {

struct LdapUrl {
  std::string server;  // "ldap://127.0.0.1:389"
  std::string base;
  std::vector<std::pair<std::string, std::string>> attributes;  // field, attribute
  int scope = 0;                                                // LDAP_SCOPE_...
  std::string filter;                                           // with variables
  std::string bind_name, password_file;
  bool start_tls = false;
};

// EINVAL, with a text that says what is wrong.
Result<LdapUrl> parse_ldap_url(const std::string& url);

}  // namespace handoff::recipients
