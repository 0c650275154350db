// Confinement on Linux: Landlock for files, TCP ports and signals, seccomp for system calls. Both
// last until the process ends and apply to its children. Each part is used as far as the kernel
// supports it, and for seccomp if the build has libseccomp.
#pragma once

#include <string>
#include <vector>

#include "base/result.hh"
#include "sys/sandbox.hh"

namespace handoff::sys {

// Sets no_new_privs and confines the process. Returns the parts that are in effect ("landlock 6 and
// seccomp"). Drops all capabilities but those for `needs.other_users`.
Result<std::string> confine_on_linux(const Needs& needs);
// Returns what confine_on_linux() cannot do here, one sentence each; empty if everything is
// possible.
std::vector<std::string> missing_on_linux();

}  // namespace handoff::sys
