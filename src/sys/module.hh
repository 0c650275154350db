// Shared objects that are opened while the program runs.
#pragma once

#include <string>

#include "base/result.hh"

namespace handoff::sys {

// Returns the directory of the running program, links resolved; empty if the system does not report
// it.
std::string program_folder();

// Returns the address of `symbol` in the shared object at the absolute path `path`. Resolves every
// symbol that the object needs now, in the program and in the libraries that it names; other
// objects do not see its symbols. It stays loaded until the process ends, in forked children too.
// Fails with the errno if there is no such file, with ENOTSUP and the linker's message if it cannot
// be used. Blocks for the disk.
Result<void*> open_module(const std::string& path, const char* symbol);

}  // namespace handoff::sys
