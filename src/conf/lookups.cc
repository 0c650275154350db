#include "conf/lookups.hh"

#include "base/text.hh"

namespace handoff::conf {
namespace {

#ifdef HAVE_CDB
constexpr bool kHasCdb = true;
#else
constexpr bool kHasCdb = false;
#endif
#ifdef HAVE_SQLITE
constexpr bool kHasSqlite = true;
#else
constexpr bool kHasSqlite = false;
#endif
#ifdef HAVE_POSTGRESQL
constexpr bool kHasPostgresql = true;
#else
constexpr bool kHasPostgresql = false;
#endif
#ifdef HAVE_MYSQL
constexpr bool kHasMysql = true;
#else
constexpr bool kHasMysql = false;
#endif
#ifdef HAVE_LDAP
constexpr bool kHasLdap = true;
#else
constexpr bool kHasLdap = false;
#endif

std::string no_argument(std::string_view argument) {
  return argument.empty() ? "" : "takes nothing behind its name";
}

std::string path(std::string_view argument) {
  return argument.starts_with('/') ? "" : "must name an absolute path";
}

std::string query(std::string_view argument) {
  auto mark = argument.find('?');
  bool both = mark != std::string_view::npos && !trim(argument.substr(0, mark)).empty() &&
              !trim(argument.substr(mark + 1)).empty();
  return both ? "" : "must be where the database is, a ?, and a query";
}

std::string database_file(std::string_view argument) {
  auto why = path(argument);
  return why.empty() ? query(argument) : why;
}

std::string url(std::string_view argument) {
  for (std::string_view scheme : {"//", "ldap://", "ldaps://", "ldapi://"}) {
    if (argument.starts_with(scheme)) return {};
  }
  return "must be a URL, as ldap://HOST/BASE?FIELD=ATTRIBUTE?sub?(mail=%u)";
}

std::string socket_map(std::string_view argument) {
  bool known = argument.starts_with("unix:/") || argument.starts_with("tcp:");
  auto name = argument.rfind(':');
  if (known && name > 5 && name + 1 < argument.size()) return {};
  return "must be unix:PATH:NAME or tcp:HOST:PORT:NAME";
}

struct Kind {
  std::string_view name;
  bool has;                // in this build
  std::string_view needs;  // what a build that has it was linked with
  std::string (*fault)(std::string_view argument);
};

constexpr Kind kKinds[] = {
    {"mailbox", true, "", no_argument},
    {"any", true, "", no_argument},
    {"passwd", true, "", no_argument},
    {"file", kHasCdb, "tinycdb", path},
    {"sqlite", kHasSqlite, "SQLite", database_file},
    {"postgresql", kHasPostgresql, "libpq", query},
    {"mysql", kHasMysql, "libmariadb", query},
    {"ldap", kHasLdap, "OpenLDAP's libldap", url},
    {"socketmap", true, "", socket_map},
    {"dovecot", true, "", path},
};

}  // namespace

std::string lookup_fault(std::string_view lookup) {
  auto colon = lookup.find(':');
  auto name = lookup.substr(0, colon);
  std::string known;
  for (const auto& kind : kKinds) {
    if (kind.name == name) {
      if (!kind.has) {
        return "cannot be used: this handoffd was built without " + std::string(kind.needs);
      }
      return kind.fault(colon == std::string_view::npos ? "" : lookup.substr(colon + 1));
    }
    if (!known.empty()) known += &kind == std::end(kKinds) - 1 ? " or " : ", ";
    known += kind.name;
  }
  return "must be one of the lookups " + known;
}

}  // namespace handoff::conf
