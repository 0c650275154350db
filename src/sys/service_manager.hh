// Notifies the service manager by the protocol of sd_notify(3), a datagram to $NOTIFY_SOCKET, and
// feeds its watchdog. Does nothing without a service manager.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace handoff::sys {

class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which stay in the environment for the next
  // program image.
  static ServiceManager from_environment();

  // "READY=1", one assignment for each line. Ignores failure. Blocks for at most a second if the
  // service manager does not read; WATCHDOG=1 never blocks.
  void tell(const std::string& state) const;
  // RELOADING=1 with the time that Type=notify-reload requires.
  void tell_reloading() const;

  // Returns how often to send WATCHDOG=1: half the manager's time limit.
  std::optional<std::chrono::milliseconds> watchdog() const { return watchdog_; }

 private:
  std::string socket_;  // a path, or "@name" in Linux's abstract namespace
  std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace handoff::sys
