#include "recipients/probe.hh"

#include "recipients/kinds.hh"

namespace handoff::recipients {

Address probe_address() { return {"handoff-probe", "handoff.invalid"}; }

void probe_lookups(const std::vector<LookupSetting>& lookups, const LookupContext& context,
                   const ProbeWatcher& watcher) {
  auto address = probe_address();
  bool first = true;
  for (const auto& setting : lookups) {
    auto name = "lookup " + std::string(setting.kind.name);
    watcher.begins(name);
    auto lookup = make_lookup(setting, context);
    auto answer = lookup ? lookup.value()->find(address) : Result<Answer>(lookup.error());
    if (!answer) watcher.failed(name, first, answer.error());
    first = false;
  }
}

}  // namespace handoff::recipients
