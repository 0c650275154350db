// The sockets that workers accept on: bound here, or handed down by whoever started us.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hh"
#include "base/result.hh"
#include "conf/config.hh"
#include "sys/fd.hh"
#include "sys/sockets.hh"

namespace handoff::master {

struct Listener {
  Endpoint endpoint;
  std::vector<sys::Fd> fds;             // a host may have several addresses
  std::optional<sys::SocketFile> file;  // of a unix socket that is ours to remove
};

// Binds one. Where the address is taken it tries again for a second: what a master that was killed
// left behind goes away by itself.
Result<Listener> open_listener(const Endpoint& endpoint, const conf::Config& config);

class Listeners {
 public:
  Listeners() = default;
  // `given` is what we got from a former program image, by its endpoints, or, where `activated`,
  // from inetd or systemd: these take the place of config.listen for good.
  explicit Listeners(std::vector<Listener> given, bool activated)
      : listeners_(std::move(given)), activated_(activated) {}

  // What `config` names and is not open, opened; or nothing, and an error. May block on name
  // resolution.
  Result<std::vector<Listener>> open_missing(const conf::Config& config) const;
  // Adds those, takes away what `config` does not name, and returns it: still open, but the socket
  // files are gone.
  std::vector<Listener> change(const conf::Config& config, std::vector<Listener> opened);

  // All descriptors, valid until the next change.
  std::vector<const sys::Fd*> all() const;
  const std::vector<Listener>& listeners() const { return listeners_; }
  bool activated() const { return activated_; }
  // Nobody can connect any more, as soon as workers have closed theirs.
  void close();
  // For a child that serves nobody: its descriptors go, the socket files stay.
  void abandon() {
    for (auto& listener : listeners_) listener.fds.clear();
  }

 private:
  std::vector<Listener> listeners_;
  bool activated_ = false;
};

// The descriptors of some listeners.
std::vector<const sys::Fd*> descriptors(const std::vector<Listener>& listeners);

}  // namespace handoff::master
