#include "recipients/lookup.hh"

#include <string_view>

#include "recipients/any_lookup.hh"
#include "recipients/dovecot_lookup.hh"
#include "recipients/file_lookup.hh"
#include "recipients/ldap_lookup.hh"
#include "recipients/mailbox_lookup.hh"
#include "recipients/mysql_lookup.hh"
#include "recipients/passwd_lookup.hh"
#include "recipients/postgresql_lookup.hh"
#include "recipients/socketmap_lookup.hh"
#include "recipients/sqlite_lookup.hh"

namespace handoff::recipients {
namespace {

using Made = Result<std::unique_ptr<Lookup>>;

template <class Kind>
Made make(const std::string&, const Ground& ground) {
  return Made(std::make_unique<Kind>(ground));
}

// What stands in `setting` before its first colon, and who makes that of what stands behind it.
struct Kind {
  std::string_view name;
  Made (*make)(const std::string& argument, const Ground& ground);
};

constexpr Kind kKinds[] = {
    {"any", make<AnyLookup>},
    {"dovecot", make_dovecot_lookup},
    {"file", make_file_lookup},
    {"mailbox", make<MailboxLookup>},
    {"passwd", make<PasswdLookup>},
    {"socketmap", make_socketmap_lookup},
#ifdef HAVE_LDAP
    {"ldap", make_ldap_lookup},
#endif
#ifdef HAVE_MYSQL
    {"mysql", make_mysql_lookup},
#endif
#ifdef HAVE_POSTGRESQL
    {"postgresql", make_postgresql_lookup},
#endif
#ifdef HAVE_SQLITE
    {"sqlite", make_sqlite_lookup},
#endif
};

}  // namespace

Result<std::unique_ptr<Lookup>> make_lookup(const std::string& setting, const Ground& ground) {
  auto name = setting.substr(0, setting.find(':'));
  for (const auto& kind : kKinds) {
    if (kind.name != name) continue;
    return kind.make(name == setting ? "" : setting.substr(name.size() + 1), ground);
  }
  return Error{ENOTSUP, "recipients.lookup = " + name + ": not in this build", {}};
}

}  // namespace handoff::recipients
