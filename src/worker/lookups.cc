#include "worker/lookups.hh"

#include <sysexits.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "base/text.hh"
#include "recipients/lookup_process.hh"
#include "sys/confinement.hh"
#include "sys/files.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/title.hh"
#include "worker/needs.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

constexpr std::uint16_t kDefaultPorts[] = {5432, 3306, 389, 636};  // PostgreSQL, MySQL, LDAP(S)

// The ports in a definition: "port=5433", "tcp:host:20024", "//host:5433/".
void add_ports(sys::Needs& needs, std::string_view text) {
  for (std::size_t at = 0; (at = text.find_first_of("=:", at)) != text.npos;) {
    auto digits = text.substr(++at);
    digits = digits.substr(0, digits.find_first_not_of("0123456789"));
    auto port = parse_number(digits);
    if (port && *port > 0 && *port < 65536) {
      needs.tcp_ports->push_back(static_cast<std::uint16_t>(*port));
    }
  }
}

void add(sys::Needs& needs, const LookupSetting& lookup) {
  using Reach = LookupKind::Reach;
  const auto& kind = lookup.kind;
  const auto& argument = lookup.argument;
  if (kind.reach >= Reach::kServer) {
    add_names(needs);
    add_ports(needs, argument);
  }
  if (kind.reach == Reach::kLibrary) {
    needs.libraries = needs.accounts = true;
    needs.tcp_ports->insert(needs.tcp_ports->end(), std::begin(kDefaultPorts),
                            std::end(kDefaultPorts));
    for (auto& folder : folders_in(argument)) needs.readable.push_back(std::move(folder));
  }
  // SQLite keeps its journal and locks beside the database.
  if (kind.reach == Reach::kFiles) {
    for (auto& folder : folders_in(argument.substr(0, argument.find('?')))) {
      needs.folders.push_back(std::move(folder));
    }
  }
}

}  // namespace

bool needs_lookup_process(const conf::Config& config) {
  return recipients::need_process(config.recipients.lookups);
}

void add_lookup_needs(sys::Needs& needs, const conf::Config& config) {
  for (const auto& lookup : config.recipients.lookups) {
    if (lookup.kind.apart()) add(needs, lookup);
  }
}

int serve_lookups(const conf::Config& config, const sys::Log& log,
                  const recipients::Modules& modules, const sys::Fd& socket) {
  auto fail = [&](const Error& error, int exit_code) {
    log.error("no lookup process", {{"cause", error.describe()}});
    return exit_code;
  };
  sys::set_title("lookup");
  sys::keep_only(std::array{&socket});
  sys::ignore_group_signals();
  if (auto dropped = drop_privileges(config); !dropped) return fail(dropped.error(), EX_CONFIG);
  sys::hide_memory();
  sys::Files files;
  const sys::Fd nowhere;  // the worker turns records into mailboxes
  recipients::LookupContext context{.files = files,
                                    .spool = nowhere,
                                    .layout = config.spool.layout,
                                    .timeout = config.recipients.lookup_timeout,
                                    .modules = &modules};
  recipients::LookupProcess process(config.recipients.lookups, context);
  sys::Needs needs;
  needs.any_path = true;
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  add_lookup_needs(needs, config);
  if (auto done = sys::confine("lookup", needs, {}, log); !done) {
    return fail(done.error(), EX_OSERR);
  }
  process.serve(socket);
  return EX_OK;
}

Result<sys::Fd> start_lookups(const conf::Config& config, const sys::Log& log) {
  auto modules = recipients::open_modules(config.recipients.lookups);
  if (!modules) return modules.error();
  return sys::fork_server(
      [&](const sys::Fd& socket) { return serve_lookups(config, log, modules.value(), socket); });
}

}  // namespace handoff::worker
