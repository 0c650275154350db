// Opens the engine that runs Sieve scripts. It is a module (HACKING.md, Modules): a process that
// runs no scripts does not load its libraries.
#pragma once

#include "base/result.hh"
#include "sieve/engine.hh"

namespace handoff::filter {

// The engine stays until the process ends. The error says which package contains it, or that the
// module belongs to another release. Blocks for the disk.
Result<const sieve::Engine*> open_engine();

}  // namespace handoff::filter
