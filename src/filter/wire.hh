// The messages between a worker and its filter process (sys/frames.hh). Both are the same
// program, so there is only one version of the protocol. The worker does not trust the answers:
// sizes are limited here, and the worker checks the plan again (plan_order.hh).
//
//   worker                                    filter process
//     Job, with the message's descriptor ---->
//     the descriptor of each script --------->   compiles, or takes it from its cache
//                              <------------- Question    (any number of times)
//     Answer, with a script's descriptor ---->
//                              <------------- Verdict
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "sieve/facts.hh"
#include "sieve/fault.hh"
#include "sieve/limits.hh"
#include "sieve/plan.hh"
#include "sieve/site.hh"

namespace handoff::filter {

struct Job {
  sieve::Facts facts;
  sieve::Limits limits;              // those that are settings
  std::vector<std::string> scripts;  // names for the log, in the order in which they run
};

struct Question {
  enum class Kind : std::uint8_t { kScript = 1, kFolder, kSpecialUse, kSeen, kEnvironment };
  Kind kind = Kind::kScript;
  sieve::ScriptPlace place{};
  std::string name;  // of the script, folder or item
  std::string use;   // kSpecialUse
  sieve::Mark mark;  // kSeen
};

struct Answer {
  std::optional<Error> error;
  bool yes = false;                 // kScript: there is one, and its descriptor comes too
  std::optional<std::string> text;  // kEnvironment
};

struct Verdict {
  sieve::Plan plan;
  // The errors of scripts that cannot run or that ended the run; Fault::script is one of
  // Job::scripts, or the name of an included script.
  sieve::Faults faults;
  std::optional<Error> error;    // a question was not answered: the recipient must be deferred
  std::vector<std::string> log;  // what the scripts log
  std::uint64_t steps = 0;
  std::uint64_t header_size = 0;  // octets of the message's header, with the empty line
};

// The largest message that a filter process may send: edited messages are part of it.
inline constexpr std::size_t kMostVerdict = std::size_t{256} << 20;
inline constexpr std::size_t kMostQuestion = std::size_t{64} << 10;

// EMSGSIZE if a value is too large.
Result<std::string> pack(const Job& job);
Result<std::string> pack(const Question& question);
std::string pack(const Answer& answer);
Result<std::string> pack(const Verdict& verdict);

std::optional<Job> unpack_job(std::string_view octets);
std::optional<Answer> unpack_answer(std::string_view octets);
// A message from the filter process: exactly one of the two, or nothing if the message is
// malformed.
struct FromFilter {
  std::optional<Question> question;
  std::optional<Verdict> verdict;
};
FromFilter unpack_from_filter(std::string_view octets);

}  // namespace handoff::filter
