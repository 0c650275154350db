#include "worker/site_commands.hh"

#include <algorithm>

#include "sys/command.hh"

namespace handoff::worker {
namespace {

constexpr std::chrono::minutes kLimit{1};

}  // namespace

unsigned threshold_reached(const std::vector<unsigned>& thresholds, const spool::Standing& after,
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

void QuotaWarner::delivered(const Mailbox& mailbox, std::uint64_t size,
                            const spool::Standing& after) {
  if (config_.quota.warn_command.empty()) return;
  auto reached = threshold_reached(config_.quota.warn_at, after, size);
  if (reached == 0) return;
  sys::Command command;
  command.arguments = config_.quota.warn_command;
  command.arguments.push_back(std::to_string(reached));
  command.arguments.push_back(sys::argument_of(mailbox.address));
  command.limit = kLimit;
  commands_.start(command, {{"to", "<" + mailbox.address + ">"}, {"percent", reached}});
}

}  // namespace handoff::worker
