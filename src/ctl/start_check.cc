#include "ctl/start_check.hh"

#include <optional>
#include <string>

#include "ctl/spool_check.hh"
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
  std::optional<uid_t> owner;
  std::optional<gid_t> group;

  bool can_enter(const sys::FileInfo& folder) const {
    if ((folder.mode & kOthersEnter) != 0) return true;
    if (anybody) return false;
    if (owner && folder.owner == *owner && (folder.mode & kOwnerEnter) != 0) return true;
    return group && folder.group == *group && (folder.mode & kGroupEnter) != 0;
  }
};

Clients clients_of(const conf::Config& config, Report& report) {
  Clients clients;
  clients.anybody = (config.socket.mode & kOthersWrite) != 0;
  if (!config.socket.owner.empty()) {
    auto found = sys::find_account(config.socket.owner, "");
    if (found) clients.owner = found.value().uid;
    if (!found)
      report.problem("socket.owner: " + found.error().describe(), "name a user that exists");
  }
  if (!config.socket.group.empty()) {
    auto found = sys::find_group(config.socket.group);
    if (found) clients.group = found.value();
    if (!found)
      report.problem("socket.group: " + found.error().describe(), "name a group that exists");
  }
  return clients;
}

void check_folders(sys::Files& files, const std::string& socket, const Clients& clients,
                   Report& report) {
  for (auto slash = socket.find('/', 1); slash != socket.npos;
       slash = socket.find('/', slash + 1)) {
    auto folder = socket.substr(0, slash);
    auto opened = files.open_root(folder);
    if (!opened) return;  // the server makes the last one; others it would have said
    auto info = files.info(opened.value());
    if (info && !clients.can_enter(info.value())) {
      report.problem("socket " + socket + ": clients cannot enter " + folder,
                     "chmod o+x " + folder + ", or let it belong to socket.group");
      return;
    }
  }
}

void check_spool_root(sys::Files& files, const std::string& path, Report& report) {
  auto root = files.open_root(path);
  if (!root) return;  // the trial has said so
  auto info = files.info(root.value());
  if (!info) return;
  if ((info.value().mode & kOthersWrite) != 0) {
    report.problem("spool " + path + ": anybody can write to it", "chmod o-w " + path);
  }
  check_filesystem(files, path, root.value(), info.value().device, report);
}

}  // namespace

void check_start(sys::Files& files, const conf::Config& config, Report& report) {
  check_spool_root(files, config.spool.path, report);
  check_reach(files, config, report);
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
