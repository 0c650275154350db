#include "worker/side_commands.hh"

#include <algorithm>

#include "sys/clock.hh"
#include "sys/stream.hh"

namespace handoff::worker {
namespace {

// Of one worker: a command that hangs must not fill the machine.
constexpr std::size_t kMostUnderWay = 8;
constexpr std::chrono::milliseconds kLook{20};  // at the others, while the oldest is waited for

}  // namespace

bool SideCommands::has_place() {
  auto until = sys::Steady::now() + patience_;
  for (;;) {
    std::erase_if(under_way_, [](const sys::Watcher& watcher) { return watcher.has_ended(); });
    if (under_way_.size() < kMostUnderWay) return true;
    auto now = sys::Steady::now();
    if (now >= until) return false;
    static_cast<void>(under_way_.front().ends_by(std::min<sys::Deadline>(until, now + kLook)));
  }
}

void SideCommands::start(const sys::Command& command, sys::Fields fields) {
  auto failed = [&](const Error& error) {
    fields.emplace_back("cause", error.describe());
    log_.error(words_.failed, fields);
  };
  if (!has_place()) return failed({EAGAIN, words_.too_many, {}});
  auto started = sys::start_watched(command, [&](const Status& status) {
    if (status) return log_.info(words_.done, fields);
    failed(status.error());
  });
  if (!started) return failed(started.error());
  under_way_.push_back(std::move(started).value());
}

}  // namespace handoff::worker
