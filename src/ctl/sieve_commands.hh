// The parts of `handoffctl sieve` that have files of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/commands.hh"
#include "sieve/engine.hh"

namespace handoff::ctl {

// Removes `name` and the word after it, each time that it occurs.
std::vector<std::string> take_options(std::vector<std::string>& arguments, std::string_view name);
std::string take_option(std::vector<std::string>& arguments, std::string_view name,
                        std::string otherwise);

// Nothing if it cannot be read.
std::optional<std::string> read_file(const std::string& path);
// Prints each fault as compilers do; returns the exit code.
int report_faults(const std::string& script, const sieve::Faults& faults,
                  const std::optional<Error>& error);

// "why ID": prints what the log says about a message: where it is, and which script, line and rule
// decided that. EX_OK, or EX_NOINPUT if the log has no line about it.
int sieve_why(Invocation& invocation);
// "rehearse SCRIPT MAILBOX": runs the script over the messages of a Maildir and prints what it
// would do with each. Changes nothing. EX_OK, EX_DATAERR if the script is wrong.
int sieve_rehearse(Invocation& invocation, const sieve::Engine& engine);

}  // namespace handoff::ctl
