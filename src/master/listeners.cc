#include "master/listeners.hh"

#include <utility>

#include "sys/account.hh"

namespace handoff::master {
namespace {

Result<sys::SocketRights> rights_of(const conf::Config& config) {
  sys::SocketRights rights;
  rights.mode = config.socket.mode;
  if (!config.socket.owner.empty()) {
    auto account = sys::find_account(config.socket.owner, "");
    if (!account) return account.error();
    rights.owner = account.value().uid;
  }
  if (!config.socket.group.empty()) {
    auto group = sys::find_group(config.socket.group);
    if (!group) return group.error();
    rights.group = group.value();
  }
  return rights;
}

}  // namespace

Result<Listeners> Listeners::open(const conf::Config& config) {
  auto rights = rights_of(config);
  if (!rights) return rights.error();
  Listeners listeners;
  for (const Endpoint& endpoint : config.listen) {
    auto fds = sys::listen_on(endpoint, static_cast<int>(config.socket.backlog), rights.value());
    if (!fds) {
      listeners.close();
      return fds.error();
    }
    for (auto& fd : fds.value()) listeners.fds_.push_back(std::move(fd));
    if (endpoint.is_unix) listeners.files_.emplace_back(endpoint.path);
  }
  return listeners;
}

void Listeners::close() {
  fds_.clear();
  for (const auto& file : files_) file.remove();
  files_.clear();
}

}  // namespace handoff::master
