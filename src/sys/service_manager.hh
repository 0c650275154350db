// The wire to the service manager: sd_notify(3)'s protocol, a datagram to $NOTIFY_SOCKET, and its
// watchdog. Does nothing where nobody listens.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace handoff::sys {

class ServiceManager {
 public:
  // From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which stay in the environment for the
  // program image that follows.
  static ServiceManager from_environment();

  // "READY=1", one assignment a line. Never fails: there is nobody to tell. Blocks for a second at
  // the most, where the service manager does not read; what feeds the watchdog never blocks.
  void tell(const std::string& state) const;
  // RELOADING=1, with the time that Type=notify-reload wants beside it.
  void tell_reloading() const;

  // How often WATCHDOG=1 is to be sent: half of what the manager waits.
  std::optional<std::chrono::milliseconds> watchdog() const { return watchdog_; }

 private:
  std::string socket_;  // a path, or "@name" in Linux' abstract namespace
  std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace handoff::sys
