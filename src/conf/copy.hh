// A copy of the effective settings for a worker, which is executed as a separate program: exactly
// what the master has read, even if the file has changed since.
#pragma once

#include <string>
#include <string_view>

#include "conf/load.hh"

namespace handoff::conf {

// Omits what only a lookup process needs: of a lookup that runs in a lookup process
// (LookupKind::apart()), it contains the kind, but neither server nor password.
std::string pack(const Settings& settings);
// `parse_lookup` must accept such a kind without an argument. Throws ConfigError.
Settings unpack_settings(std::string_view octets, LookupParser parse_lookup);

}  // namespace handoff::conf
