#include <iostream>

#include "base/text.hh"
#include "conf/command_line.hh"
#include "ctl/commands.hh"
#include "recipients/kinds.hh"
#include "spool/spool.hh"
#include "sys/account.hh"
#include "sys/files.hh"
#include "sys/process.hh"

namespace handoff::ctl {
namespace {

int fail(const Error& error, int exit_code) {
  std::cerr << "handoffctl: " << error.describe() << "\n";
  return exit_code;
}

Status become_user(const conf::Config& config) {
  if (config.user.empty()) {
    if (!sys::is_root()) return {};
    return explained(EPERM, "root must not sweep the spool: set user in the configuration");
  }
  auto account = sys::find_account(config.user, config.group);
  if (!account) return account.error();
  return sys::become(account.value());
}

}  // namespace

int sweep(Invocation invocation) {
  bool dry_run = invocation.take_flag("--dry-run");
  invocation.expect_no_more();
  auto config = conf::load_file(invocation.config_file, recipients::parse_lookup).config;
  if (auto became = become_user(config); !became) return fail(became.error(), EX_NOPERM);
  sys::Files files;
  spool::SpoolOptions options;
  options.path = config.spool.path;
  options.host = sys::host_name();
  options.guard = config.duplicates.guard;
  options.window = config.duplicates.window;
  options.run = config.run_directory();
  auto spool = spool::Spool::open(files, options);
  if (!spool) return fail(spool.error(), EX_UNAVAILABLE);
  unsigned abandoned = 0;
  spool::Spool::Sweeping how;
  how.mailboxes = true;
  how.dry_run = dry_run;
  how.found = [&](const std::string& path) {
    ++abandoned;
    std::cout << escape(path) << "\n";
  };
  auto swept = spool.value()->sweep(how);
  if (!swept) return fail(swept.error(), EX_UNAVAILABLE);
  std::cout << (dry_run ? abandoned : swept.value().removed)
            << (dry_run ? " would be removed, " : " removed, ")
            << swept.value().kept - (dry_run ? abandoned : 0) << " kept";
  if (swept.value().unread > 0) {
    std::cout << ", " << swept.value().unread << " folders could not be read";
  }
  std::cout << "\n";
  return swept.value().unread > 0 ? 1 : EX_OK;
}

}  // namespace handoff::ctl
