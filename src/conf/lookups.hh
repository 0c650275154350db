// The kinds of recipients.lookup that this build knows, as far as the configuration can judge them:
// recipients/ makes them.
#pragma once

#include <string>
#include <string_view>

namespace handoff::conf {

// Why `lookup` is none, as the end of "recipients.lookup = …: "; empty where it is one.
std::string lookup_fault(std::string_view lookup);

}  // namespace handoff::conf
