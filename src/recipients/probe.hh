// Tests whether the lookups of recipients.lookup answer at the moment.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/address.hh"
#include "base/lookup_kind.hh"
#include "recipients/lookup.hh"

namespace handoff::recipients {

// Returns an address that nobody has (RFC 2606). A working lookup gives its usual answer for
// unknown addresses.
Address probe_address();

struct ProbeWatcher {
  // Called before each lookup, which may hang: "lookup postgresql".
  std::function<void(const std::string& name)> begins;
  // A lookup failed. `for_all`: the lookup is the first, so every recipient is deferred; otherwise
  // only those that no earlier lookup knows.
  std::function<void(const std::string& name, bool for_all, const Error& error)> failed;
};

// Asks each lookup once, over a new connection. Blocks for at most context.timeout for each, but
// without a limit for the system's accounts.
void probe_lookups(const std::vector<LookupSetting>& lookups, const LookupContext& context,
                   const ProbeWatcher& watcher);

}  // namespace handoff::recipients
