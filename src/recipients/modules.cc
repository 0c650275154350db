#include "recipients/modules.hh"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "recipients/lookup.hh"
#include "sys/module.hh"

namespace handoff::recipients {
namespace {

constexpr std::string_view kKinds[] = {"ldap", "mysql", "postgresql", "sqlite"};

Error fault(const std::string& kind, const std::string& what, const Error& cause) {
  auto separator = what.empty() ? "" : what + ": ";
  return {cause.code, "recipients.lookup = " + kind + ": " + separator + cause.what, cause.path};
}

// Packagers that part what needs a library of its own call such a package so.
std::string what_brings(const std::string& kind) {
  return "its module is not there; it comes with a build configured --with-" + kind +
         ", or as a package of its own, such as handoff-" + kind;
}

}  // namespace

bool is_module(std::string_view kind) {
  return std::ranges::find(kKinds, kind) != std::end(kKinds);
}

std::string modules_folder() {
  auto beside = sys::program_folder() + "/lookups";
  std::error_code ignored;
  return std::filesystem::is_directory(beside, ignored) ? beside : LOOKUPS_FOLDER;
}

Result<const LookupModule*> open_lookup_module(const std::string& kind, const std::string& folder) {
  auto path = folder + "/handoff-" + kind + ".so";
  auto opened = sys::open_module(path, "handoff_lookup_module");
  if (!opened) {
    bool missing = opened.error().code == ENOENT || opened.error().code == ENOTDIR;
    return fault(kind, missing ? what_brings(kind) : "", opened.error());
  }
  const auto* module = reinterpret_cast<decltype(&handoff_lookup_module)>(opened.value())();
  if (std::string_view(module->version) != PACKAGE_VERSION) {
    return fault(kind, "",
                 {ENOTSUP,
                  path + " is of handoff " + module->version +
                      ", and this is " PACKAGE_VERSION
                      " (after an upgrade: handoffctl upgrade, or a restart)",
                  {}});
  }
  return module;
}

Result<Modules> open_modules(const std::vector<std::string>& lookups) {
  Modules modules;
  for (const auto& lookup : lookups) {
    auto kind = lookup.substr(0, lookup.find(':'));
    if (!is_module(kind) || modules.contains(kind)) continue;
    auto opened = open_lookup_module(kind, modules_folder());
    if (!opened) return opened.error();
    modules[kind] = opened.value();
  }
  return modules;
}

}  // namespace handoff::recipients
