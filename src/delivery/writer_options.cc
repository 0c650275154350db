#include "delivery/writer_options.hh"

#include <cerrno>
#include <chrono>

#include "sys/command.hh"

namespace handoff::delivery {
namespace {

constexpr std::chrono::minutes kCreateLimit{1};

Status run_create_command(const conf::Config& config, const sys::Log& log, const Mailbox& mailbox) {
  sys::Command command;
  command.arguments = config.spool.create_command;
  command.arguments.push_back(mailbox.base.empty() ? config.spool.path + "/" + mailbox.path
                                                   : mailbox.name());
  command.arguments.push_back(sys::argument_of(mailbox.address));
  command.limit = kCreateLimit;
  sys::Fields fields{{"mailbox", mailbox.name()}, {"to", "<" + mailbox.address + ">"}};
  auto started = sys::start_watched(command, [&](const Status& status) {
    if (!status) {
      fields.emplace_back("cause", status.error().describe());
      return log.error("mailbox not created", fields);
    }
    log.info("mailbox created", fields);
  });
  if (!started) return started.error();
  if (!started.value().ends_well()) return explained(ECHILD, "spool.create-command failed");
  return {};
}

}  // namespace

spool::WriterOptions writer_options(const conf::Config& config, const sys::Log& log) {
  spool::WriterOptions options;
  options.crlf = config.spool.newline == conf::Newline::kCrlf;
  options.quota = {config.quota.size, config.quota.messages};
  if (!config.spool.create_command.empty()) {
    options.create = [&config, &log](const Mailbox& mailbox) {
      return run_create_command(config, log, mailbox);
    };
  }
  return options;
}

}  // namespace handoff::delivery
