#include "recipients/probe.hh"

#include "recipients/kinds.hh"
#include "recipients/lookup_process.hh"

namespace handoff::recipients {

Address probe_address() { return {"handoff-probe", "handoff.invalid"}; }

void probe_lookups(const std::vector<LookupSetting>& lookups, const LookupContext& context,
                   const ProbeWatcher& watcher) {
  auto address = probe_address();
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    auto name = "lookup " + std::string(lookups[i].kind.name);
    watcher.begins(name);
    auto lookup = make_lookup(lookups, i, context);
    auto answer = lookup ? lookup.value()->find(address) : Result<Answer>(lookup.error());
    if (!answer) watcher.failed(name, i == 0, answer.error());
  }
}

}  // namespace handoff::recipients
