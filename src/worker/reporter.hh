// Sends the reports that senders asked for (NOTIFY=SUCCESS), by dsn.command. Whatever becomes of
// one, the client has its replies already and hears nothing of it.
#pragma once

#include <string>

#include "conf/config.hh"
#include "lmtp/dsn_report.hh"
#include "sys/log.hh"
#include "worker/side_commands.hh"

namespace handoff::worker {

class Reporter {
 public:
  Reporter(const conf::Config& config, const sys::Log& log);

  // Has the command begun, and goes on; the log hears of it then and when it ends. `id`: of the
  // message. Requires dsn.command.
  void send(const lmtp::DsnReport& report, const std::string& id);

 private:
  const conf::Config& config_;
  SideCommands commands_;
};

}  // namespace handoff::worker
