// A copy of the effective settings for a worker, which is executed as a separate program: exactly
// what the master has read, even if the file has changed since.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/assignment.hh"
#include "conf/load.hh"

namespace handoff::conf {

// Omits what only a lookup process needs: of a lookup that runs in a lookup process
// (LookupKind::apart()), it contains the kind, but neither server nor password.
std::string pack(const Settings& settings);
// Overwrites in `settings` what pack() omits. Afterwards `settings` equals what unpack_settings()
// returns.
void forget_secrets(Settings& settings);
// Overwrites the lookups in the options of the command line.
void forget_secrets(std::vector<Assignment>& options);
// `parse_lookup` must accept such a kind without an argument. Throws ConfigError.
Settings unpack_settings(std::string_view octets, LookupParser parse_lookup);

}  // namespace handoff::conf
