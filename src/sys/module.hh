// Shared objects that are opened while the program runs.
#pragma once

#include <string>

#include "base/result.hh"

namespace handoff::sys {

// Where the file of the program that runs is, links followed; empty where the system does not say.
std::string program_folder();

// The address of `symbol` in the shared object `path`, an absolute one. Every symbol that the
// object itself needs is looked for now, in the program and in the libraries that it names, and
// what it has is seen by nobody else. It stays for as long as the process lives, and is there at
// once when it is opened again, or after a fork. The errno where there is no such file; ENOTSUP,
// with the dynamic linker's words, where it cannot be used. Blocks for the disk.
Result<void*> open_module(const std::string& path, const char* symbol);

}  // namespace handoff::sys
