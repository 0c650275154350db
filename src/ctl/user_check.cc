#include "ctl/user_check.hh"

#include <string>

namespace handoff::ctl {

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

}  // namespace handoff::ctl
