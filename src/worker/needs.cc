#include "worker/needs.hh"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace handoff::worker {
namespace {

// Of these we know what they go for; behind the others are libraries of somebody else's.
struct Kind {
  std::string_view name;
  bool asks_server;
  bool asks_system;
};
constexpr Kind kKinds[] = {{"file", false, false},
                           {"passwd", false, true},
                           {"sqlite", false, false},
                           {"socketmap", true, false},
                           {"dovecot", true, false}};

void add(sys::Needs& needs, std::string_view lookup) {
  auto name = lookup.substr(0, lookup.find(':'));
  if (name == "mailbox" || name == "any") return;
  // It may name a mailbox anywhere, and a quota for it: then somebody has to count.
  needs.any_path = needs.processes = true;
  const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
  bool known = kind != std::end(kKinds);
  if (!known || kind->asks_server) {
    needs.unix_sockets = needs.inet_sockets = needs.names = true;
  }
  if (!known || kind->asks_system) needs.accounts = true;
}

}  // namespace

sys::Needs needs_of(const conf::Config& config, bool has_delivery) {
  sys::Needs needs;
  needs.folders = {config.spool.path};
  for (const auto* command :
       {&config.spool.create_command, &config.quota.warn_command, &config.dsn.command}) {
    if (!command->empty()) needs.programs.push_back(command->front());
  }
  for (const auto& lookup : config.recipients.lookups) add(needs, lookup);
  if (!config.auth.mechanisms.empty()) {
    // Who checks a password for SASL is in its own configuration.
    needs.any_path = needs.accounts = true;
    needs.unix_sockets = needs.inet_sockets = needs.names = true;
  }
  if (config.quota.size != 0 || config.quota.messages != 0) needs.processes = true;
  needs.sends_files = has_delivery;
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  return needs;
}

}  // namespace handoff::worker
