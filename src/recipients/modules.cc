#include "recipients/modules.hh"

#include <filesystem>
#include <system_error>

#include "recipients/kinds.hh"
#include "sys/module.hh"

namespace handoff::recipients {
namespace {

// Distributions usually put a module with its own library in a package of this name.
std::string what_brings(const std::string& kind) {
  return "its module is missing; it is part of a build configured --with-" + kind +
         ", or of a separate package, such as handoff-" + kind;
}

}  // namespace

std::string modules_folder() {
  auto beside = sys::program_folder() + "/lookups";
  std::error_code ignored;
  return std::filesystem::is_directory(beside, ignored) ? beside : LOOKUPS_FOLDER;
}

Result<const LookupModule*> open_lookup_module(const std::string& kind, const std::string& folder) {
  auto path = folder + "/handoff-" + kind + ".so";
  auto opened = sys::open_module(path, "handoff_lookup_module");
  if (!opened) {
    auto error = opened.error();
    bool missing = error.code == ENOENT || error.code == ENOTDIR;
    if (missing) error.what = what_brings(kind) + ": " + error.what;
    return error;
  }
  const auto* module = reinterpret_cast<decltype(&handoff_lookup_module)>(opened.value())();
  if (std::string_view(module->version) != PACKAGE_VERSION) {
    return explained(ENOTSUP, path + " is of handoff " + module->version +
                                  ", and this is " PACKAGE_VERSION
                                  " (after an upgrade: handoffctl upgrade, or a restart)");
  }
  return module;
}

Result<Modules> open_modules(const std::vector<LookupSetting>& lookups) {
  Modules modules;
  for (const auto& lookup : lookups) {
    const auto* kind = find_kind(lookup.kind.name);
    std::string name(lookup.kind.name);
    if (kind == nullptr || kind->make != nullptr || modules.contains(name)) continue;
    auto opened = open_lookup_module(name, modules_folder());
    if (!opened) return lookup.locate(opened.error());
    modules[name] = opened.value();
  }
  return modules;
}

}  // namespace handoff::recipients
