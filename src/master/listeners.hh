// The sockets on which workers accept: bound by the master, or passed by the process that started
// it.
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
  std::optional<sys::SocketFile> file;  // of a unix socket that we must remove
};

// Binds a listener. If the address is in use, retries for a second: workers of a killed master
// close their listeners by themselves.
Result<Listener> open_listener(const Endpoint& endpoint, const conf::Config& config);

class Listeners {
 public:
  Listeners() = default;
  // `given` comes from the previous program image or, if `activated`, from inetd or systemd; in the
  // latter case these listeners replace config.listen.
  explicit Listeners(std::vector<Listener> given, bool activated)
      : listeners_(std::move(given)), activated_(activated) {}

  // Opens the listeners of `config` that are not yet open: either all of them, or none. May block
  // on name resolution.
  Result<std::vector<Listener>> open_missing(const conf::Config& config) const;
  // Adds `opened`. Removes and returns the listeners that `config` does not contain; they are still
  // open, but their socket files are removed.
  std::vector<Listener> change(const conf::Config& config, std::vector<Listener> opened);

  // All descriptors, valid until the next change.
  std::vector<const sys::Fd*> all() const;
  const std::vector<Listener>& listeners() const { return listeners_; }
  bool activated() const { return activated_; }
  // When the workers have closed theirs too, nobody can connect any more.
  void close();
  // For a child that does not serve: closes the descriptors and keeps the socket files.
  void abandon() {
    for (auto& listener : listeners_) listener.fds.clear();
  }

 private:
  std::vector<Listener> listeners_;
  bool activated_ = false;
};

// Returns the descriptors of some listeners.
std::vector<const sys::Fd*> descriptors(const std::vector<Listener>& listeners);

}  // namespace handoff::master
