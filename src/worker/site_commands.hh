// The site's programs that run alongside deliveries: quota.warn-command and dsn.command. The worker
// starts them without waiting; the log records the result of each.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "conf/config.hh"
#include "lmtp/dsn_report.hh"
#include "spool/quota.hh"
#include "sys/command.hh"
#include "sys/log.hh"

namespace handoff::worker {

class SiteCommand {
 public:
  // Messages of the log.
  struct Messages {
    std::string done;
    std::string failed;
    std::string too_many;
  };
  // `log` must outlive the object. `patience`: how long start() waits if too many are running.
  SiteCommand(const sys::Log& log, Messages messages, std::chrono::milliseconds patience = {})
      : log_(log), messages_(std::move(messages)), patience_(patience) {}

  // Starts `command`, unless too many are running and continue to run. `fields` are for its log
  // line.
  void start(const sys::Command& command, sys::Fields fields);

 private:
  bool has_place();

  const sys::Log& log_;
  Messages messages_;
  std::chrono::milliseconds patience_;
  std::vector<sys::Watcher> running_;
};

class QuotaWarner {
 public:
  QuotaWarner(const conf::Config& config, const sys::Log& log);
  // A message of `size` octets was delivered to `mailbox`, whose quota is now `after`. Starts
  // quota.warn-command if this reached one of quota.warn-at.
  void delivered(const Mailbox& mailbox, std::uint64_t size, const spool::QuotaState& after);

 private:
  const conf::Config& config_;
  SiteCommand command_;
};

// Sends the reports that senders requested (NOTIFY=SUCCESS). The client already has its replies and
// is not told whether a report was sent.
class Reporter {
 public:
  Reporter(const conf::Config& config, const sys::Log& log);
  // Starts dsn.command, which must be configured. `id`: that of the message.
  void send(const lmtp::DsnReport& report, const std::string& id);

 private:
  const conf::Config& config_;
  SiteCommand command_;
};

}  // namespace handoff::worker
