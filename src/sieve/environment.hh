// Items of the environment (RFC 5183 4.1), for the test and for ${env.NAME}.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace handoff::sieve {

class Run;

// Returns nothing if there is no such item, or if the site fails to answer; the run has then
// failed.
std::optional<std::string> environment_item(Run& run, std::string_view name);

}  // namespace handoff::sieve
