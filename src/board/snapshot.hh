// The state of the server at one moment, as plain values. The master makes it and sends it as text
// to a status process, which formats it as a table, JSON, metrics or a page.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "board/backends.hh"
#include "board/condition.hh"
#include "board/totals.hh"
#include "sys/files.hh"

namespace handoff::board {

struct WorkerFacts {
  pid_t pid = 0;
  unsigned generation = 0;
  bool departing = false;  // ends when it has finished its work
  State state{};
  double since = 0;  // seconds in that state
  std::string peer;
  std::string message;
  std::uint64_t sessions = 0;
  std::uint64_t transactions = 0;
};

// Rates and times over a period.
struct Window {
  double seconds = 0;     // 0: no time has passed yet
  double sessions = 0;    // per second
  double recipients = 0;  // delivered to, per second
  double octets = 0;      // received, per second
  std::array<Distribution, kStages> stages{};
  std::uint64_t deaths = 0;           // of workers
  std::uint64_t delivery_deaths = 0;  // of delivery processes
};

struct Failure {
  std::int64_t when = 0;  // seconds since 1970
  std::string what;
  std::string address;
};

struct Snapshot {
  std::string version;
  std::string hostname;
  std::string state;  // "starting", "draining", or else the condition
  Condition condition{};
  std::vector<Finding> findings;  // the reasons for it, the worst first
  pid_t pid = 0;                  // the master's
  std::int64_t now = 0;           // seconds since 1970
  std::int64_t started = 0;       // seconds since 1970
  unsigned generation = 0;        // of the configuration: 1, incremented by each reload
  unsigned reloads_refused = 0;
  unsigned upgrades = 0;
  std::vector<std::string> listen;

  std::string spool;
  unsigned spool_changes = 0;       // how often new workers opened another directory
  std::optional<sys::Space> space;  // nothing: the filesystem did not answer
  OutgoingMail outgoing;

  unsigned workers_max = 0;
  std::array<unsigned, kStates> by_state{};
  unsigned departing = 0;  // all of them, including those of an earlier program image
  std::uint64_t deaths = 0;
  std::uint64_t killed = 0;  // because they made no progress
  std::uint64_t throttles = 0;
  bool throttled = false;
  bool full = false;  // workers_max are busy, and connections wait
  std::vector<WorkerFacts> workers;

  std::vector<BackendFacts> backends;  // sorted by name

  Totals totals;
  Window minute;
  std::vector<double> recent;  // recipients delivered to in each of the last seconds, oldest first
  std::vector<Failure> failures;  // the most recent, newest first
};

std::string pack(const Snapshot& snapshot);
// Returns nothing if the text is from a program with a different kind of snapshot.
std::optional<Snapshot> unpack_snapshot(std::string_view text);
std::string pack(const std::vector<BackendFacts>& backends);
std::optional<std::vector<BackendFacts>> unpack_backends(std::string_view text);
std::string pack(const sys::Space& space);
std::optional<sys::Space> unpack_space(std::string_view text);
std::string pack(const OutgoingMail& outgoing);
std::optional<OutgoingMail> unpack_outgoing(std::string_view text);

}  // namespace handoff::board
