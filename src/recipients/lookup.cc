#include "recipients/lookup.hh"

#include <string_view>

#include "recipients/any_lookup.hh"
#include "recipients/dovecot_lookup.hh"
#include "recipients/file_lookup.hh"
#include "recipients/mailbox_lookup.hh"
#include "recipients/passwd_lookup.hh"
#include "recipients/socketmap_lookup.hh"

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
    {"any", make<AnyLookup>},       {"dovecot", make_dovecot_lookup},
    {"file", make_file_lookup},     {"mailbox", make<MailboxLookup>},
    {"passwd", make_passwd_lookup}, {"socketmap", make_socketmap_lookup},
};

}  // namespace

Result<std::unique_ptr<Lookup>> make_lookup(const std::string& setting, const Ground& ground) {
  auto name = setting.substr(0, setting.find(':'));
  auto argument = name == setting ? "" : setting.substr(name.size() + 1);
  for (const auto& kind : kKinds) {
    if (kind.name == name) return kind.make(argument, ground);
  }
  if (ground.modules != nullptr) {
    auto module = ground.modules->find(name);
    if (module != ground.modules->end()) return module->second->make(argument, ground);
  }
  if (is_module(name)) return Error{ENOTSUP, "recipients.lookup = " + name + ": not opened", {}};
  return Error{ENOTSUP, "recipients.lookup = " + name + ": not in this build", {}};
}

}  // namespace handoff::recipients
