// Where a directory is, and what it is asked: the URL of recipients.lookup = ldap:URL. It is that
// of RFC 4516, but for its filter, which has the variables of a query and is written as it is,
// without %XX; and its attributes, which say what field each is:
//
//   ldap://HOST:PORT/BASE?FIELD=ATTRIBUTE,...?SCOPE?FILTER?EXTENSION,...
//
// Extensions: bindname=DN, password-file=PATH (what to bind as; commas in the DN are %2C),
// starttls.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hh"

namespace handoff::recipients {

struct LdapPlace {
  std::string server;  // "ldap://127.0.0.1:389"
  std::string base;
  std::vector<std::pair<std::string, std::string>> attributes;  // field, attribute
  std::string scope;                                            // "base", "one", "sub"
  std::string filter;                                           // with variables
  std::string bind_name, password_file;
  bool start_tls = false;
};

// EINVAL, with what is wrong.
Result<LdapPlace> parse_ldap_place(const std::string& url);

}  // namespace handoff::recipients
