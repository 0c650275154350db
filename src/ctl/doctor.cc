#include "ctl/doctor.hh"

#include <sysexits.h>

#include <iostream>
#include <optional>

#include "conf/command_line.hh"
#include "ctl/report.hh"
#include "ctl/socket_check.hh"
#include "ctl/spool_check.hh"
#include "ctl/start_check.hh"
#include "sys/account.hh"
#include "sys/files.hh"

namespace handoff::ctl {
namespace {

// Becomes the user that delivers, where there is one: the spool is looked at with its rights alone.
// Whether it can be looked at.
bool take_user(const conf::Config& config, std::optional<sys::Account>& user, Report& report) {
  if (config.user.empty()) {
    if (!sys::is_root()) {
      report.ok("user: not set, so handoffd runs as whoever starts it");
      return true;
    }
    report.problem("user: not set",
                   "set user: handoffd started by root needs one, not root itself");
    return false;
  }
  auto found = sys::find_account(config.user, config.group);
  if (!found) {
    report.problem("user: " + found.error().describe(), "make the account, or set another user");
    return false;
  }
  user = found.value();
  if (user->uid == 0) {
    report.problem("user: is root", "set a user of its own: workers never run as root");
    return false;
  }
  if (auto became = sys::become(*user); !became) {
    report.problem("user: " + became.error().describe(),
                   "run the doctor as root or as " + user->name + " to have the spool looked at");
    return false;
  }
  report.ok("user: " + user->name + ", uid " + std::to_string(user->uid) + ", gid " +
            std::to_string(user->gid));
  return true;
}

}  // namespace

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
