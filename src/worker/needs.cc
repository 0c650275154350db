#include "worker/needs.hh"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hh"
#include "filter/global_scripts.hh"
#include "sys/launcher.hh"

namespace handoff::worker {
namespace {

constexpr std::uint16_t kDomain = 53;

// The programs that a worker runs for a message.
std::vector<sys::CommandLine> programs_of(const conf::Config& config) {
  std::vector<sys::CommandLine> programs;
  for (const auto* command :
       {&config.spool.create_command, &config.quota.warn_command, &config.dsn.command}) {
    if (!command->empty()) programs.push_back(*command);
  }
  return programs;
}

// If a lookup is apart(), only the lookup process needs access to its server (lookups.hh).
void add(sys::Needs& needs, const LookupSetting& lookup, bool has_delivery) {
  using Reach = LookupKind::Reach;
  const auto& kind = lookup.kind;
  // The answer may name a mailbox at any path. It may also name a quota: then a process counts the
  // mailbox.
  if (kind.names_owners()) needs.any_path = needs.processes = true;
  // The delivery process writes to the mailboxes of system users.
  if (kind.names_owners() && (kind.reach != Reach::kAccounts || !has_delivery)) {
    needs.mailboxes_anywhere = true;
  }
  if (kind.reach == Reach::kAccounts) needs.accounts = true;
}

// A host may be named, and its name has to be looked up.
void add_backends(sys::Needs& needs, const std::vector<std::uint16_t>& ports) {
  add_names(needs);
  for (auto port : ports) {
    if (port == 0) needs.tcp_ports.reset();
    if (needs.tcp_ports) needs.tcp_ports->push_back(port);
  }
}

// Adds the paths in the configuration of SASL: databases of secrets, plugins.
void add_sasl(sys::Needs& needs, const std::string& path) {
  needs.any_path = needs.accounts = needs.libraries = true;
  add_names(needs);
  needs.tcp_ports.reset();  // the plugins of SASL may contact any server
  if (path.empty()) return;
  needs.readable.push_back(path);
  std::ifstream file(path + "/handoff.conf");
  for (std::string line; std::getline(file, line);) {
    for (auto& folder : folders_in(line)) needs.folders.push_back(std::move(folder));
  }
}

// A script may be replaced by another file of its name, so its directory must be readable.
std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
}

// The scripts of this process's own users. The delivery process reads those of other users.
void add_sieve(sys::Needs& needs, const conf::Config& config) {
  const auto& sieve = config.sieve;
  needs.any_path = needs.sends_files = needs.receives_files = true;
  for (const auto& path : filter::global_scripts(config)) needs.readable.push_back(folder_of(path));
  if (!sieve.global_directory.empty()) needs.readable.push_back(sieve.global_directory);
  // A note about errors is written beside the script.
  for (std::string_view path : {sieve.script, sieve.include_directory + "/"}) {
    if (path.starts_with("%h") || path == "/") continue;
    needs.folders.push_back(folder_of(path.substr(0, path.find('%'))));
  }
}

}  // namespace

std::vector<std::string> folders_in(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = text.find('/', at)) != text.npos;) {
    auto path = text.substr(at, text.find_first_of(" \t'\"?&,;", at) - at);
    bool begins = at == 0 || std::string_view(" \t='\",:").find(text[at - 1]) != text.npos;
    auto slash = path.rfind('/');
    if (begins && slash > 0) out.emplace_back(path.substr(0, slash));
    at += std::max<std::size_t>(path.size(), 1);
  }
  return out;
}

void add_names(sys::Needs& needs) {
  needs.unix_sockets = needs.inet_sockets = needs.names = true;
  needs.connects_unix = needs.connects_inet = true;
  if (needs.tcp_ports) needs.tcp_ports->push_back(kDomain);
}

sys::Needs needs_of(const conf::Config& config, bool has_delivery, bool passes_on) {
  sys::Needs needs;
  needs.folders = {config.spool.path};
  for (const auto& program : programs_of(config)) needs.programs.push_back(program.front());
  needs.launcher = bool(sys::launcher());
  for (const auto& lookup : config.recipients.lookups) add(needs, lookup, has_delivery);
  if (passes_on) add_backends(needs, config.proxy.ports);
  if (!config.auth.mechanisms.empty()) add_sasl(needs, config.auth.sasl_path);
  if (config.quota.size != 0 || config.quota.messages != 0) needs.processes = true;
  // The launcher gets the descriptors of a program's input and output.
  needs.sends_files = has_delivery || !needs.programs.empty();
  if (config.sieve.enabled) add_sieve(needs, config);
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  return needs;
}

Status start_launcher(const conf::Config& config) {
  auto programs = programs_of(config);
  return programs.empty() ? Status() : sys::start_launcher(programs);
}

}  // namespace handoff::worker
