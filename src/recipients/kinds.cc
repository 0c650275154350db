#include "recipients/kinds.hh"

#include <algorithm>

#include "base/text.hh"
#include "recipients/template.hh"

namespace handoff::recipients {
namespace {

std::string no_argument(std::string_view argument) {
  return argument.empty() ? "" : "takes nothing after its name";
}

std::string path(std::string_view argument) {
  return argument.starts_with('/') ? "" : "must name an absolute path";
}

std::string database(std::string_view argument) {
  auto parsed = Database::parse(argument);
  return parsed ? "" : parsed.error().what;
}

std::string database_file(std::string_view argument) {
  auto why = path(argument);
  return why.empty() ? database(argument) : why;
}

std::string url(std::string_view argument) {
  for (std::string_view scheme : {"//", "ldap://", "ldaps://", "ldapi://"}) {
    if (argument.starts_with(scheme)) return {};
  }
  return "must be a URL";
}

std::string socket_map(std::string_view argument) {
  bool known = argument.starts_with("unix:/") || argument.starts_with("tcp:");
  auto name = argument.rfind(':');
  return known && name > 5 && name + 1 < argument.size() ? "" : "must name a socket and a map";
}

using Reach = LookupKind::Reach;
using Owners = LookupKind::Owners;

constexpr Kind kKinds[] = {
    {{.name = "mailbox", .syntax = "mailbox", .fault = no_argument, .aliases = "maildir virtual"},
     make_mailbox_lookup},
    {{.name = "any", .syntax = "any", .fault = no_argument, .aliases = "static catchall catch-all"},
     make_any_lookup},
    {{.name = "passwd",
      .syntax = "passwd",
      .fault = no_argument,
      .reach = Reach::kAccounts,
      .owners = Owners::kVerified,
      .remote = true,
      .aliases = "system unix nss pam getpwnam local"},
     make_passwd_lookup},
    {{.name = "file",
      .syntax = "file:PATH",
      .fault = path,
      .reach = Reach::kFiles,
      .owners = Owners::kVerified,
      .table = true,
      .aliases = "hash cdb texthash lmdb btree text"},
     make_file_lookup},
    {{.name = "sqlite",
      .syntax = "sqlite:PATH?QUERY",
      .fault = database_file,
      .reach = Reach::kFiles,
      .owners = Owners::kReported,
      .aliases = "sqlite3"},
     nullptr},
    {{.name = "postgresql",
      .syntax = "postgresql:CONNINFO?QUERY",
      .fault = database,
      .reach = Reach::kLibrary,
      .owners = Owners::kReported,
      .remote = true,
      .aliases = "pgsql postgres psql"},
     nullptr},
    {{.name = "mysql",
      .syntax = "mysql:CONNINFO?QUERY",
      .fault = database,
      .reach = Reach::kLibrary,
      .owners = Owners::kReported,
      .remote = true,
      .aliases = "mariadb"},
     nullptr},
    {{.name = "ldap",
      .syntax = "ldap://HOST/BASE?FIELD=ATTRIBUTE?SCOPE?FILTER",
      .fault = url,
      .reach = Reach::kLibrary,
      .owners = Owners::kReported,
      .remote = true,
      .aliases = "ldaps ldapi"},
     nullptr},
    {{.name = "socketmap",
      .syntax = "socketmap:unix:PATH:NAME",
      .fault = socket_map,
      .reach = Reach::kServer,
      .owners = Owners::kReported,
      .remote = true,
      .aliases = "socket"},
     make_socketmap_lookup},
    {{.name = "dovecot",
      .syntax = "dovecot:PATH",
      .fault = path,
      .reach = Reach::kServer,
      .owners = Owners::kReported,
      .remote = true,
      .aliases = "userdb auth"},
     make_dovecot_lookup},
};

bool is_called(const LookupKind& kind, std::string_view name) {
  return std::ranges::count(split(kind.aliases, ' '), name) > 0 ||
         edit_distance(kind.name, name) <= name.size() / 3;
}

Error no_such_kind(std::string_view name, std::span<const Kind> rows) {
  std::string known;
  for (const auto& row : rows) {
    if (is_called(row.traits, lower(name))) {
      return explained(EINVAL,
                       "no such lookup; did you mean " + std::string(row.traits.syntax) + "?");
    }
    if (!known.empty()) known += &row == &rows.back() ? " or " : ", ";
    known += row.traits.name;
  }
  return explained(EINVAL, "no such lookup, it must be " + known);
}

}  // namespace

std::span<const Kind> kinds() { return kKinds; }

const Kind* find_kind(std::string_view name, std::span<const Kind> rows) {
  auto row = std::ranges::find(rows, name, [](const Kind& kind) { return kind.traits.name; });
  return row == rows.end() ? nullptr : &*row;
}

Result<LookupSetting> parse_lookup(std::string_view value) { return parse_lookup(value, kKinds); }

Result<LookupSetting> parse_lookup(std::string_view value, std::span<const Kind> rows) {
  auto colon = std::min(value.find(':'), value.size());
  const auto* kind = find_kind(value.substr(0, colon), rows);
  if (kind == nullptr) return no_such_kind(value.substr(0, colon), rows);
  auto argument = value.substr(std::min(colon + 1, value.size()));
  auto why = kind->traits.fault(argument);
  if (why.empty()) return LookupSetting{kind->traits, std::string(argument)};
  return explained(EINVAL, why + ", as in " + std::string(kind->traits.syntax));
}

Result<LookupSetting> parse_copied_lookup(std::string_view value) {
  const auto* kind = find_kind(value);
  if (kind != nullptr && kind->traits.apart()) return LookupSetting{kind->traits, {}};
  return parse_lookup(value);
}

Result<std::unique_ptr<Lookup>> make_lookup(const LookupSetting& setting,
                                            const LookupContext& context) {
  const auto* kind = find_kind(setting.kind.name, context.known());
  auto make = kind == nullptr ? nullptr : kind->make;
  if (make == nullptr && context.modules != nullptr) {
    auto module = context.modules->find(setting.kind.name);
    if (module != context.modules->end()) make = module->second->make;
  }
  if (make == nullptr) return setting.locate(explained(ENOTSUP, "its module was not opened"));
  auto made = make(setting.argument, context);
  if (!made) return setting.locate(made.error());
  return made;
}

}  // namespace handoff::recipients
