#include "worker/side_commands.hh"

namespace handoff::worker {
namespace {

// Of one worker: a command that hangs must not fill the machine.
constexpr std::size_t kMostUnderWay = 8;

}  // namespace

std::string argument_of(const std::string& address) {
  return address.starts_with('-') ? "<" + address + ">" : address;
}

void SideCommands::start(const sys::Command& command, sys::Fields fields) {
  std::erase_if(under_way_, [](const sys::Watcher& watcher) { return watcher.has_ended(); });
  auto failed = [&](const Error& error) {
    fields.emplace_back("cause", error.describe());
    log_.error(words_.failed, fields);
  };
  if (under_way_.size() >= kMostUnderWay) return failed({EAGAIN, words_.too_many, {}});
  auto started = sys::start_watched(command, [&](const Status& status) {
    if (status) return log_.info(words_.done, fields);
    bool late = words_.late && status.error().code == ETIMEDOUT;
    failed(late ? *words_.late : status.error());
  });
  if (!started) return failed(started.error());
  under_way_.push_back(std::move(started).value());
}

}  // namespace handoff::worker
