// quota.warn-command: the site's own program that a delivery calls for.
#pragma once

#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "conf/config.hh"
#include "spool/quota.hh"
#include "sys/log.hh"
#include "worker/side_commands.hh"

namespace handoff::worker {

class QuotaWarner {
 public:
  QuotaWarner(const conf::Config& config, const sys::Log& log)
      : config_(config),
        commands_(log, {"quota warning given", "quota warning not given",
                        "quota.warn-command is slow, too many under way"}) {}

  // A message of `size` octets was put into `mailbox`, which stands as `after` says. Starts
  // quota.warn-command where that took it to one of quota.warn-at, and does not wait.
  void delivered(const Mailbox& mailbox, std::uint64_t size, const spool::Standing& after);

 private:
  const conf::Config& config_;
  SideCommands commands_;
};

// The highest of `thresholds` (percent, rising) that a message of `size` octets has taken the
// mailbox to; 0: none.
unsigned threshold_reached(const std::vector<unsigned>& thresholds, const spool::Standing& after,
                           std::uint64_t size);

}  // namespace handoff::worker
