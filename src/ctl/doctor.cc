#include <iostream>
#include <optional>

#include "conf/command_line.hh"
#include "ctl/checks.hh"
#include "ctl/commands.hh"
#include "recipients/kinds.hh"
#include "sys/sandbox.hh"

namespace handoff::ctl {

int doctor(Invocation invocation) {
  invocation.expect_no_more();
  Report report(std::cout, Colours::on(sys::kStandardOutput));
  conf::Config config;
  try {
    config = conf::load_file(invocation.config_file, recipients::parse_lookup).config;
  } catch (const conf::ConfigError& e) {
    report.problem("configuration: " + std::string(e.what()), "correct it; see handoffd.conf(5)");
    return e.exit_code();
  }
  report.ok("configuration: " +
            (invocation.config_file.empty() ? conf::kDefaultFile : invocation.config_file));
  sys::Files files;
  // Checks the sockets first, while this process may still be root.
  for (const auto& endpoint : config.listen) check_socket(files, config, endpoint, report);
  check_reach(files, config, report);
  check_spool_changes(config, report);
  check_owners(config, sys::is_root() || !config.user.empty(), report);
  for (const auto& missing : sys::missing_confinement()) {
    report.note("confinement: " + missing, "see SECURITY.md, Confinement");
  }
  // Reads what only root may read for the lookups.
  LookupCheck lookups(config);
  bool told = check_server(config, report);
  std::optional<sys::Account> user;
  if (become_user(config, user, report)) {
    check_spool(files, config, user, report);
    check_scripts(files, config, report);
  }
  if (!told) lookups.run(files, report);
  return report.problems() == 0 ? EX_OK : 1;
}

}  // namespace handoff::ctl
