#include "master/listeners.hh"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sys/account.hh"
#include "sys/stream.hh"

namespace handoff::master {
namespace {

constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::chrono::milliseconds kRetryPause{20};

Result<sys::SocketRights> rights_of(const conf::Config& config) {
  sys::SocketRights rights;
  rights.mode = config.socket.mode;
  if (!config.socket.owner.empty()) {
    auto account = sys::find_account(config.socket.owner, "");
    if (!account) return config.locate("socket.owner", account.error());
    rights.owner = account.value().uid;
  }
  if (!config.socket.group.empty()) {
    auto group = sys::find_group(config.socket.group);
    if (!group) return config.locate("socket.group", group.error());
    rights.group = group.value();
  }
  return rights;
}

void remove_file(const Listener& listener) {
  if (listener.file) listener.file->remove();
}

}  // namespace

Result<Listener> open_listener(const Endpoint& endpoint, const conf::Config& config) {
  auto rights = rights_of(config);
  if (!rights) return rights.error();
  auto until = sys::Steady::now() + kPatience;
  for (;;) {
    auto fds = sys::listen_on(endpoint, static_cast<int>(config.socket.backlog), rights.value());
    if (fds) {
      Listener listener{endpoint, std::move(fds).value(), std::nullopt};
      if (endpoint.is_unix) listener.file.emplace(endpoint.path);
      return listener;
    }
    if (fds.error().code != EADDRINUSE || sys::Steady::now() >= until) return fds.error();
    static_cast<void>(sys::wait_for({}, sys::Steady::now() + kRetryPause, false));
  }
}

Result<std::vector<Listener>> Listeners::open_missing(const conf::Config& config) const {
  std::vector<Listener> opened;
  if (activated_) return opened;
  for (const auto& endpoint : config.listen) {
    if (std::ranges::find(listeners_, endpoint, &Listener::endpoint) != listeners_.end()) continue;
    auto listener = open_listener(endpoint, config);
    if (!listener) {
      std::ranges::for_each(opened, remove_file);
      return listener.error();
    }
    opened.push_back(std::move(listener).value());
  }
  return opened;
}

std::vector<Listener> Listeners::change(const conf::Config& config, std::vector<Listener> opened) {
  std::vector<Listener> kept;
  std::vector<Listener> removed;
  for (auto& listener : listeners_) {
    bool named =
        activated_ || std::ranges::find(config.listen, listener.endpoint) != config.listen.end();
    if (!named) remove_file(listener);
    (named ? kept : removed).push_back(std::move(listener));
  }
  std::ranges::move(opened, std::back_inserter(kept));
  listeners_ = std::move(kept);
  return removed;
}

std::vector<const sys::Fd*> Listeners::all() const { return descriptors(listeners_); }

void Listeners::close() {
  std::ranges::for_each(listeners_, remove_file);
  listeners_.clear();
}

std::vector<const sys::Fd*> descriptors(const std::vector<Listener>& listeners) {
  std::vector<const sys::Fd*> out;
  for (const auto& listener : listeners) {
    for (const auto& fd : listener.fds) out.push_back(&fd);
  }
  return out;
}

}  // namespace handoff::master
