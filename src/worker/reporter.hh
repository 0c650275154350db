// Sends the reports that senders asked for (NOTIFY=SUCCESS), by dsn.command. Whatever becomes of
// one, the client has its replies already and hears nothing of it.
#pragma once

#include <string>
#include <vector>

#include "conf/config.hh"
#include "lmtp/dsn_report.hh"
#include "sys/command.hh"
#include "sys/log.hh"

namespace handoff::worker {

class Reporter {
 public:
  Reporter(const conf::Config& config, const sys::Log& log) : config_(config), log_(log) {}

  // Has the command begun, and goes on; the log hears of it then and when it ends. `id`: of the
  // message. Requires dsn.command.
  void send(const lmtp::DsnReport& report, const std::string& id);

 private:
  const conf::Config& config_;
  const sys::Log& log_;
  std::vector<sys::Watcher> under_way_;
};

}  // namespace handoff::worker
