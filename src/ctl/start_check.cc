#include "ctl/start_check.hh"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "ctl/spool_check.hh"
#include "ctl/user_check.hh"
#include "sys/account.hh"

namespace handoff::ctl {
namespace {

constexpr mode_t kOthersWrite = 0002;
constexpr mode_t kOthersEnter = 0001;
constexpr mode_t kGroupEnter = 0010;
constexpr mode_t kOwnerEnter = 0100;

// Who is to connect to unix sockets, by the settings below `socket`.
struct Clients {
  bool anybody = false;
  std::vector<uid_t> users;
  std::optional<gid_t> group;

  bool can_enter(const sys::FileInfo& folder) const {
    if ((folder.mode & kOthersEnter) != 0) return true;
    if (anybody) return false;
    bool owns = std::ranges::find(users, folder.owner) != users.end();
    if (owns && (folder.mode & kOwnerEnter) != 0) return true;
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
      report.problem("socket.owner: " + found.error().describe(), "name a user that exists");
  }
  if (!config.socket.group.empty()) {
    auto found = sys::find_group(config.socket.group);
    if (found) clients.group = found.value();
    if (!found)
      report.problem("socket.group: " + found.error().describe(), "name a group that exists");
    // A queue manager's group has the name of its user, whose own folder (Postfix's private/) no
    // group need be able to enter.
    auto namesake = sys::find_person(config.socket.group);
    if (namesake && namesake.value() && namesake.value()->account.gid == clients.group)
      clients.users.push_back(namesake.value()->account.uid);
  }
  return clients;
}

// Of a folder that may be closed to us: then its own folder tells.
Result<sys::FileInfo> info_of(sys::Files& files, const std::string& folder) {
  auto opened = files.open_root(folder);
  if (opened) return files.info(opened.value());
  auto slash = folder.rfind('/');
  if (opened.error().code != EACCES || slash == folder.npos) return opened.error();
  auto parent = files.open_root(slash == 0 ? "/" : folder.substr(0, slash));
  if (!parent) return parent.error();
  auto info = files.info_at(parent.value(), folder.substr(slash + 1));
  if (info && !info.value().is_directory) return opened.error();  // a link to who knows where
  return info;
}

void check_folders(sys::Files& files, const std::string& socket, const Clients& clients,
                   Report& report) {
  for (auto slash = socket.find('/', 1); slash != socket.npos;
       slash = socket.find('/', slash + 1)) {
    auto folder = socket.substr(0, slash);
    auto info = info_of(files, folder);
    if (!info && info.error().code == EACCES) {
      report.note("socket " + socket + ": whether clients can enter " + folder + " is not for " +
                      "this user to see",
                  "look as root");
      return;
    }
    if (!info) return;  // the server makes the last one; others it would have said
    if (!clients.can_enter(info.value())) {
      report.problem("socket " + socket + ": clients cannot enter " + folder,
                     "chmod o+x " + folder + ", or let it belong to socket.group");
      return;
    }
  }
}

}  // namespace

void check_tried_spool(sys::Files& files, const conf::Config& config, Report& report) {
  const auto& path = config.spool.path;
  auto root = files.open_root(path);
  if (!root) return;  // the trial has said so
  auto info = files.info(root.value());
  if (!info) return;
  if ((info.value().mode & kOthersWrite) != 0) {
    report.problem("spool " + path + ": anybody can write to it", "chmod o-w " + path);
  }
  check_filesystem(files, path, root.value(), info.value().device, report);
}

void check_untried_spool(sys::Files& files, const conf::Config& config, Report& report) {
  std::optional<sys::Account> user;
  if (take_user(config, user, report)) check_spool(files, config, user, report);
}

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
                "set socket.group to the queue manager's, as socket.group = postfix");
  }
  if (config.hostname.find('.') == std::string::npos) {
    report.note("hostname: " + config.hostname + " is no full name",
                "set hostname, as hostname = mail.example.org");
  }
}

void check_owners(const conf::Config& config, bool root, Report& report) {
  if (!config.may_have_owners() || root) return;
  report.note("recipients: those whose mailboxes belong to other users are put off with 451",
              "start handoffd as root, with user set: it delivers as their owners");
}

}  // namespace handoff::ctl
