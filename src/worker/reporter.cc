#include "worker/reporter.hh"

#include "sys/clock.hh"

namespace handoff::worker {
namespace {

// The replies have left: it is the next command that waits, where messages come faster than
// dsn.command takes its reports.
constexpr std::chrono::seconds kPatience{5};

}  // namespace

Reporter::Reporter(const conf::Config& config, const sys::Log& log)
    : config_(config),
      commands_(
          log,
          {"report sent", "report not sent", "dsn.command is slow, too many reports under way"},
          kPatience) {}

void Reporter::send(const lmtp::DsnReport& report, const std::string& id) {
  sys::Command command;
  command.arguments = config_.dsn.command;
  command.arguments.push_back(sys::argument_of(report.sender.text()));
  command.input =
      lmtp::dsn_text(report, {config_.hostname, id, sys::rfc5322_date(sys::Wall::now())});
  command.limit = config_.dsn.timeout;
  command.limit_name = "dsn.timeout";
  commands_.start(command, {{"id", id},
                            {"to", "<" + report.sender.text() + ">"},
                            {"recipients", report.delivered.size()}});
}

}  // namespace handoff::worker
