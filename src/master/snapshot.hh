// Everything that the master shows, at one moment, as plain values: what the table, the JSON, the
// metrics and the page are made of.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "board/totals.hh"
#include "sys/files.hh"

namespace handoff::master {

struct WorkerFacts {
  pid_t pid = 0;
  unsigned generation = 0;
  bool departing = false;  // told to go
  board::State state{};
  double since = 0;  // seconds in that state
  std::string peer;
  std::string message;
  std::uint64_t sessions = 0;
  std::uint64_t transactions = 0;
};

// What happened within some seconds.
struct Window {
  double seconds = 0;     // 0: nothing was seen yet
  double sessions = 0;    // a second
  double recipients = 0;  // delivered to, a second
  double octets = 0;      // received, a second
  std::array<board::Distribution, board::kStages> stages{};
};

struct Failure {
  std::int64_t when = 0;  // seconds since 1970
  std::string what;
  std::string address;
};

struct Snapshot {
  std::string version;
  std::string hostname;
  std::string state;         // "starting", "serving", "draining"
  pid_t pid = 0;             // the master's
  std::int64_t now = 0;      // seconds since 1970
  std::int64_t started = 0;  // likewise
  unsigned generation = 0;   // of the configuration: 1, and one more with each reload
  unsigned reloads_refused = 0;
  unsigned upgrades = 0;
  std::vector<std::string> listen;

  std::string spool;
  std::optional<sys::Space> space;  // nothing: it could not be asked

  unsigned workers_max = 0;
  std::array<unsigned, board::kStates> by_state{};
  unsigned departing = 0;  // of all; those of a former program image among them
  std::uint64_t deaths = 0;
  std::uint64_t killed = 0;  // for want of progress
  std::uint64_t throttles = 0;
  bool throttled = false;
  std::vector<WorkerFacts> workers;

  board::Totals totals;
  Window minute;
  std::vector<double> recent;  // recipients delivered to in each of the last seconds, oldest first
  std::vector<Failure> failures;  // the last ones, newest first
};

}  // namespace handoff::master
