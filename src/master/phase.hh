// The state of the master. It determines which requests are accepted and what comes next:
//
//   starting --> serving <--> trying --> switching --> serving      a reload
//                                   \--> replacing --> (exec)       an upgrade
//   any of them --> draining --> stopped                            SIGTERM, SIGINT, drain
#pragma once

namespace handoff::master {

enum class Phase {
  kStarting,   // no worker of this program has been ready to accept connections
  kServing,    // a worker has been ready
  kTrying,     // a child tries a new configuration or a new program; nothing has changed
  kSwitching,  // a new configuration is in force, but workers with the previous one still accept
  kReplacing,  // the new program is about to replace this one
  kDraining,   // nobody can connect; workers complete what they have begun
  kStopped,    // all workers have ended
};

// A reload or upgrade is in progress; another has to wait.
constexpr bool is_changing(Phase phase) {
  return phase == Phase::kTrying || phase == Phase::kSwitching || phase == Phase::kReplacing;
}
constexpr bool is_stopping(Phase phase) { return phase >= Phase::kDraining; }

}  // namespace handoff::master
