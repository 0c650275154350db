// What a plan may contain. A plan comes from the filter process, which attackers may control with
// scripts and messages, so nothing that the engine guarantees is taken for granted. Names of
// folders are checked by recipients/folder, and flags by spool/flags, when the plan is carried out.
#pragma once

#include <optional>
#include <string>

#include "sieve/limits.hh"
#include "sieve/plan.hh"

namespace handoff::worker {

struct PlanFault {
  std::string what;
  // The action, if a script may have caused this: the message is then kept as after an error of the
  // script. Null: the engine never makes such a plan, so the recipient is deferred.
  const sieve::Place* place = nullptr;
};

// Returns the first fault of the plan. `limits`: filter::limits_of().
std::optional<PlanFault> find_fault(const sieve::Plan& plan, const sieve::Limits& limits);

// Whether the text is exactly one mail address with a domain, in the syntax of RFC 5321.
// sendmail(1) interprets an argument such as "a@example.org,b@example.org" as two recipients.
bool is_one_address(const std::string& text);

}  // namespace handoff::worker
