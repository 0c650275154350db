#include "worker/reporter.hh"

#include "sys/clock.hh"

namespace handoff::worker {
namespace {

// Of one worker: a command that hangs must not fill the machine.
constexpr std::size_t kMostUnderWay = 8;

// RFC 5321 allows a local part that begins with "-", which no program is to take for an option.
std::string argument_of(const Address& address) {
  auto text = address.text();
  return text.starts_with('-') ? "<" + text + ">" : text;
}

}  // namespace

void Reporter::send(const lmtp::DsnReport& report, const std::string& id) {
  std::erase_if(under_way_, [](const sys::Watcher& watcher) { return watcher.has_ended(); });
  sys::Fields fields{{"id", id},
                     {"to", "<" + report.sender.text() + ">"},
                     {"recipients", report.delivered.size()}};
  auto failed = [&](const Error& error) {
    fields.emplace_back("cause", error.describe());
    log_.error("report not sent", fields);
  };
  if (under_way_.size() >= kMostUnderWay) {
    return failed({EAGAIN, "dsn.command is slow, too many reports under way", {}});
  }
  sys::Command command;
  command.arguments = config_.dsn.command;
  command.arguments.push_back(argument_of(report.sender));
  command.input =
      lmtp::dsn_text(report, {config_.hostname, id, sys::rfc5322_date(sys::Wall::now())});
  command.limit = config_.dsn.timeout;
  auto started = sys::start_watched(command, [&](const Status& status) {
    if (!status && status.error().code == ETIMEDOUT) {
      return failed({ETIMEDOUT, "killed at dsn.timeout", config_.dsn.command.front()});
    }
    if (!status) return failed(status.error());
    log_.info("report sent", fields);
  });
  if (!started) return failed(started.error());
  under_way_.push_back(std::move(started).value());
}

}  // namespace handoff::worker
