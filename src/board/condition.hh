// Whether mail is delivered, and if not, why: the common verdict of /healthz, the status page, the
// metrics, `handoffctl status` and `handoffctl doctor`.
//
// A separate process examines the spool and the lookups (worker/examination) and reports line by
// line, so that the master knows what did not answer if it has to kill that process. The master
// adds what it knows about its workers and delivery processes (judge).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/files.hh"

namespace handoff::board {

struct Snapshot;

enum class Condition : std::uint8_t {
  kServing,
  kDegraded,       // some mail is deferred, or all mail is delayed
  kNotDelivering,  // all mail is deferred, or clients of a listener get no answer
};
// "serving", "degraded", "not delivering"
const char* name_of(Condition condition);

// A reason for a condition worse than serving. The text is public, so it contains no mail address.
struct Finding {
  Condition condition{};
  std::string what;  // "lookup postgresql: Connection refused"

  bool operator==(const Finding&) const = default;
};

// The messages of scripts that wait for sieve.sendmail.
struct OutgoingMail {
  std::uint64_t waiting = 0;
  std::uint64_t given_up = 0;
  std::int64_t oldest = 0;  // of those that wait, seconds since 1970; 0: there is none
};

struct Examination {
  std::optional<sys::Space> space;  // on the spool's filesystem; nothing: it did not answer
  OutgoingMail outgoing;
  std::vector<Finding> findings;
};

// Returns the lines of a report: the next subject, and what was found.
std::string begin_line(std::string_view subject);
std::string line_of(const sys::Space& space);
std::string line_of(const OutgoingMail& outgoing);
std::string line_of(const Finding& finding);
// `ended`: the process has completed its report. Otherwise its last subject does not answer, so the
// condition is "not delivering".
Examination read_report(std::string_view text, bool ended);

// Adds findings that follow from the numbers of workers and delivery processes and from the state
// of backends to `snapshot`, puts the worst first, and sets the condition, unless it is already
// set.
void judge(Snapshot& snapshot);
// For /healthz and doctor: "ok", or a line for each finding: "not delivering: spool: ...".
std::string verdict_text(const Snapshot& snapshot);

}  // namespace handoff::board
