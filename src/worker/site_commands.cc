#include "worker/site_commands.hh"

#include <algorithm>

#include "sys/clock.hh"
#include "sys/stream.hh"

namespace handoff::worker {
namespace {

// For one worker, so that hanging commands do not exhaust the machine.
constexpr std::size_t kMostRunning = 8;
// How often the other commands are checked while waiting for the oldest.
constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::minutes kWarnLimit{1};
// If messages arrive faster than dsn.command accepts their reports, the client's next command
// waits; the replies have already been sent.
constexpr std::chrono::seconds kReportPatience{5};

// Returns the highest of `thresholds` (percent, ascending) that the mailbox reached with a message
// of `size` octets; 0: none.
unsigned threshold_reached(const std::vector<unsigned>& thresholds, const spool::QuotaState& after,
                           std::uint64_t size) {
  if (!after.use || after.use->size < size || after.use->messages == 0) return 0;
  spool::QuotaUse before{after.use->size - size, after.use->messages - 1};
  auto was = spool::percent_of(after.limits, before);
  auto is = spool::percent_of(after.limits, *after.use);
  unsigned reached = 0;
  for (auto threshold : thresholds) {
    if (was < threshold && threshold <= is) reached = threshold;
  }
  return reached;
}

}  // namespace

bool SiteCommand::has_place() {
  auto until = sys::Steady::now() + patience_;
  for (;;) {
    std::erase_if(running_, [](const sys::Watcher& watcher) { return watcher.has_ended(); });
    if (running_.size() < kMostRunning) return true;
    auto now = sys::Steady::now();
    if (now >= until) return false;
    static_cast<void>(running_.front().ends_by(std::min<sys::Deadline>(until, now + kPoll)));
  }
}

void SiteCommand::start(const sys::Command& command, sys::Fields fields) {
  auto failed = [&](const Error& error) {
    fields.emplace_back("cause", error.describe());
    log_.error(messages_.failed, fields);
  };
  if (!has_place()) return failed(explained(EAGAIN, messages_.too_many));
  auto started = sys::start_watched(command, [&](const Status& status) {
    if (status) return log_.info(messages_.done, fields);
    failed(status.error());
  });
  if (!started) return failed(started.error());
  running_.push_back(std::move(started).value());
}

QuotaWarner::QuotaWarner(const conf::Config& config, const sys::Log& log)
    : config_(config),
      command_(log, {"quota warning given", "quota warning not given",
                     "quota.warn-command is slow, too many in progress"}) {}

void QuotaWarner::delivered(const Mailbox& mailbox, std::uint64_t size,
                            const spool::QuotaState& after) {
  if (config_.quota.warn_command.empty()) return;
  auto reached = threshold_reached(config_.quota.warn_at, after, size);
  if (reached == 0) return;
  sys::Command command;
  command.arguments = config_.quota.warn_command;
  command.arguments.push_back(std::to_string(reached));
  command.arguments.push_back(sys::argument_of(mailbox.address));
  command.limit = kWarnLimit;
  command_.start(command, {{"to", "<" + mailbox.address + ">"}, {"percent", reached}});
}

Reporter::Reporter(const conf::Config& config, const sys::Log& log)
    : config_(config),
      command_(
          log,
          {"report sent", "report not sent", "dsn.command is slow, too many reports in progress"},
          kReportPatience) {}

void Reporter::send(const lmtp::DsnReport& report, const std::string& id) {
  sys::Command command;
  command.arguments = config_.dsn.command;
  command.arguments.push_back(sys::argument_of(report.sender.text));
  command.input =
      lmtp::dsn_text(report, {config_.hostname, id, sys::rfc5322_date(sys::Wall::now())});
  command.limit = config_.dsn.timeout;
  command.limit_name = "dsn.timeout";
  command_.start(
      command,
      {{"id", id}, {"to", report.sender.bracketed()}, {"recipients", report.delivered.size()}});
}

}  // namespace handoff::worker
