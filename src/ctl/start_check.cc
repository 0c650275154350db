#include <algorithm>
#include <cerrno>
#include <vector>

#include "ctl/checks.hh"

namespace handoff::ctl {
namespace {

constexpr mode_t kOthersWrite = 0002;
constexpr mode_t kOthersEnter = 0001;
constexpr mode_t kGroupEnter = 0010;
constexpr mode_t kOwnerEnter = 0100;

// Determines who may connect to the unix sockets according to the settings below `socket`.
struct Clients {
  bool anybody = false;
  std::vector<uid_t> users;
  std::optional<gid_t> group;

  bool can_enter(const sys::FileInfo& folder) const {
    if ((folder.mode & kOthersEnter) != 0) return true;
    if (anybody) return false;
    bool is_owner = std::ranges::find(users, folder.owner) != users.end();
    if (is_owner && (folder.mode & kOwnerEnter) != 0) return true;
    return group && folder.group == *group && (folder.mode & kGroupEnter) != 0;
  }
};

Clients clients_of(const conf::Config& config, Report& report) {
  Clients clients;
  clients.anybody = (config.socket.mode & kOthersWrite) != 0;
  if (!config.socket.owner.empty()) {
    auto found = sys::find_account(config.socket.owner, "");
    if (found) clients.users.push_back(found.value().uid);
    if (!found)
      report.problem("socket.owner: " + found.error().describe(), "set it to an existing user");
  }
  if (!config.socket.group.empty()) {
    auto found = sys::find_group(config.socket.group);
    if (found) clients.group = found.value();
    if (!found)
      report.problem("socket.group: " + found.error().describe(), "set it to an existing group");
    // A queue manager's group has the name of its user, and only the user may be able to enter its
    // folder (Postfix's private/).
    auto user = sys::find_person(config.socket.group);
    if (user && user.value() && user.value()->account.gid == clients.group)
      clients.users.push_back(user.value()->account.uid);
  }
  return clients;
}

// Also works for a folder that this process may not open, because it asks the folder above.
Result<sys::FileInfo> info_of(sys::Files& files, const std::string& folder) {
  auto opened = files.open_root(folder);
  if (opened) return files.info(opened.value());
  auto slash = folder.rfind('/');
  if (opened.error().code != EACCES || slash == folder.npos) return opened.error();
  auto parent = files.open_root(slash == 0 ? "/" : folder.substr(0, slash));
  if (!parent) return parent.error();
  auto info = files.info_at(parent.value(), folder.substr(slash + 1));
  if (info && !info.value().is_directory) return opened.error();  // a symbolic link
  return info;
}

void check_folders(sys::Files& files, const std::string& socket, const Clients& clients,
                   Report& report) {
  for (auto slash = socket.find('/', 1); slash != socket.npos;
       slash = socket.find('/', slash + 1)) {
    auto folder = socket.substr(0, slash);
    auto info = info_of(files, folder);
    if (!info && info.error().code == EACCES) {
      report.note("socket " + socket + ": this user cannot see whether clients can enter " + folder,
                  "repeat this check as root");
      return;
    }
    if (!info) return;  // the server creates the last folder, and reports any other
    if (!clients.can_enter(info.value())) {
      report.problem("socket " + socket + ": clients cannot enter " + folder,
                     "chmod o+x " + folder + ", or give it to socket.group");
      return;
    }
  }
}

}  // namespace

void check_reach(sys::Files& files, const conf::Config& config, Report& report) {
  auto clients = clients_of(config, report);
  bool sockets = false;
  for (const auto& endpoint : config.listen) {
    if (!endpoint.is_unix) continue;
    sockets = true;
    check_folders(files, endpoint.path, clients, report);
  }
  if (sockets && !clients.anybody && config.socket.group.empty() && config.socket.owner.empty()) {
    report.note("socket: only root and the owner can connect",
                "set socket.group to the queue manager's group, such as socket.group = postfix");
  }
  if (config.hostname.find('.') == std::string::npos) {
    report.note("hostname: " + config.hostname + " is not fully qualified",
                "set hostname, such as hostname = mail.example.org");
  }
}

void check_owners(const conf::Config& config, bool is_root, Report& report) {
  if (!config.may_have_owners() || is_root) return;
  report.note("recipients: those whose mailboxes belong to other users are deferred with 451",
              "start handoffd as root, with user set: it delivers as their owners");
}

bool become_user(const conf::Config& config, std::optional<sys::Account>& user, Report& report) {
  if (config.user.empty()) {
    if (!sys::is_root()) {
      report.ok("user: not set, so handoffd runs as the user that starts it");
      return true;
    }
    report.problem("user: not set", "set user to an unprivileged account; root must not deliver");
    return false;
  }
  auto found = sys::find_account(config.user, config.group);
  if (!found) {
    report.problem("user: " + found.error().describe(), "create the account, or change user");
    return false;
  }
  if (found.value().uid == 0) {
    report.problem("user: is root", "set user to a dedicated account: workers never run as root");
    return false;
  }
  if (auto became = sys::become(found.value()); !became) {
    report.problem("user: " + became.error().describe(),
                   "run this as root or as " + config.user + " to have the spool checked");
    return false;
  }
  user = found.value();
  report.ok("user: " + user->name + ", uid " + std::to_string(user->uid) + ", gid " +
            std::to_string(user->gid));
  return true;
}

}  // namespace handoff::ctl
