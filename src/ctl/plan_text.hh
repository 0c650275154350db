// The trace and the plan of a Sieve run in words.
#pragma once

#include <iosfwd>
#include <string>

#include "sieve/engine.hh"

namespace handoff::ctl {

// One line for each test and action: "SCRIPT:LINE: header :contains: "a", "b" against "c": true".
void print_trace(std::ostream& out, const std::string& script, const sieve::Trace& trace);
// Returns what an action does, without the line and the rule.
std::string summary(const sieve::Action& action);
// One line for each action: what is done, and by which line and rule.
void print_plan(std::ostream& out, const sieve::Plan& plan);

}  // namespace handoff::ctl
