// The kinds of lookup that need a library of their own. Each is a shared object (src/lookups),
// opened only if recipients.lookup names it, so that a process without LDAP lookups does not load
// libldap.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/lookup_kind.hh"
#include "base/result.hh"

namespace handoff::recipients {

class Lookup;
struct LookupContext;

// The result of handoff_lookup_module(), the only symbol of such an object.
struct LookupModule {
  const char* version;  // PACKAGE_VERSION when it was compiled; it must equal that of the program
  // Creates a lookup from the text after the kind and a colon. Fails like a Maker of kinds.hh.
  Result<std::unique_ptr<Lookup>> (*make)(const std::string& argument,
                                          const LookupContext& context);
};

// Returns the directory of the modules: beside a program in a build tree, otherwise
// $(libdir)/handoff.
std::string modules_folder();

// Opens `folder`/handoff-KIND.so. The error names the file and the package that contains it;
// ENOTSUP if the module is of another release. The module stays open until the process ends. Blocks
// on the disk.
Result<const LookupModule*> open_lookup_module(const std::string& kind, const std::string& folder);

// Modules by kind.
using Modules = std::map<std::string, const LookupModule*, std::less<>>;

// Opens the modules that these lookups need. The master calls this: workers share the modules and
// need no permission to read the files, and a start or reload fails if a module is missing.
Result<Modules> open_modules(const std::vector<LookupSetting>& lookups);

}  // namespace handoff::recipients

extern "C" const handoff::recipients::LookupModule* handoff_lookup_module();
