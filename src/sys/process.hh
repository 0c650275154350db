// Facts about processes and this host.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace handoff::sys {

pid_t own_pid();
uid_t own_uid();  // the effective one
// gethostname(), or "localhost".
std::string host_name();
// From the system's generator.
std::uint32_t random_number();

}  // namespace handoff::sys
