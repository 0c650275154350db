#include "delivery/create_command.hh"

#include <cerrno>
#include <chrono>

#include "sys/command.hh"

namespace handoff::delivery {
namespace {

constexpr std::chrono::minutes kLimit{1};

}  // namespace

Status create_mailbox(const conf::Config& config, const sys::Log& log, const Mailbox& mailbox) {
  sys::Command command;
  command.arguments = config.spool.create_command;
  command.arguments.push_back(mailbox.base.empty() ? config.spool.path + "/" + mailbox.path
                                                   : mailbox.name());
  command.arguments.push_back(sys::argument_of(mailbox.address));
  command.limit = kLimit;
  sys::Fields fields{{"mailbox", mailbox.name()}, {"to", "<" + mailbox.address + ">"}};
  auto started = sys::start_watched(command, [&](const Status& status) {
    if (!status) {
      fields.emplace_back("cause", status.error().describe());
      return log.error("mailbox not made", fields);
    }
    log.info("mailbox made", fields);
  });
  if (!started) return started.error();
  if (!started.value().ends_well()) return Error{ECHILD, "spool.create-command failed", {}};
  return {};
}

}  // namespace handoff::delivery
