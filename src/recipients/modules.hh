// The kinds of lookup that need a library of somebody else's. Each is a shared object of its own
// (src/lookups), which is opened where recipients.lookup names it: who asks no LDAP server has none
// of libldap in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"

namespace handoff::recipients {

class Lookup;
struct Ground;

// What the one symbol of such an object, handoff_lookup_module(), returns.
struct LookupModule {
  const char* version;  // PACKAGE_VERSION as it was compiled: of one release alone the two fit
  // A lookup of what stands behind the kind and a colon; fails as make_lookup() does.
  Result<std::unique_ptr<Lookup>> (*make)(const std::string& argument, const Ground& ground);
};

// Whether a lookup of this kind is in such an object, in this or in another build.
bool is_module(std::string_view kind);

// Where they are: beside a program that was built and not installed, else in $(libdir)/handoff.
std::string modules_folder();

// Opens `folder`/handoff-KIND.so. The error names the file, and what brings it; ENOTSUP where it is
// of another release. What was opened stays until the process ends. Blocks for the disk.
Result<const LookupModule*> open_lookup_module(const std::string& kind, const std::string& folder);

// By kind.
using Modules = std::map<std::string, const LookupModule*, std::less<>>;

// Those that these values of recipients.lookup need. Done by the master: its workers then share
// what is opened, and need no right to read the files; and whoever starts or reloads hears of one
// that is missing.
Result<Modules> open_modules(const std::vector<std::string>& lookups);

}  // namespace handoff::recipients

extern "C" const handoff::recipients::LookupModule* handoff_lookup_module();
