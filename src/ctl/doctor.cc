#include "ctl/doctor.hh"

#include <sysexits.h>

#include <iostream>
#include <optional>

#include "conf/command_line.hh"
#include "ctl/report.hh"
#include "ctl/socket_check.hh"
#include "ctl/spool_check.hh"
#include "ctl/start_check.hh"
#include "ctl/user_check.hh"
#include "sys/account.hh"
#include "sys/files.hh"

namespace handoff::ctl {
int doctor(const Invocation& invocation) {
  if (!invocation.arguments.empty()) {
    throw conf::ConfigError("doctor: takes no argument", EX_USAGE);
  }
  Report report(std::cout, Paint::on(sys::kStandardOutput));
  conf::Config config;
  try {
    config = conf::load_file(invocation.config_file).config;
  } catch (const conf::ConfigError& e) {
    report.problem("configuration: " + std::string(e.what()), "mend it; see handoffd.conf(5)");
    return e.exit_code();
  }
  report.ok("configuration: " + (invocation.config_file.empty() ? std::string(conf::kDefaultFile)
                                                                : invocation.config_file));
  sys::PosixFiles files;
  // Sockets come first: as root, while we are.
  for (const auto& endpoint : config.listen) check_socket(files, config, endpoint, report);
  check_reach(files, config, report);
  check_owners(config, sys::is_root() || !config.user.empty(), report);
  std::optional<sys::Account> user;
  if (take_user(config, user, report)) check_spool(files, config, user, report);
  return report.problems() == 0 ? EX_OK : 1;
}

}  // namespace handoff::ctl
