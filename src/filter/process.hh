// The filter process of a worker: it runs the Sieve scripts of recipients over messages. Scripts
// and messages are hostile input, so it has no files and no network. It gets descriptors from its
// worker, asks the worker for everything else, and answers with a plan.
#pragma once

#include <chrono>

#include "sieve/engine.hh"
#include "sys/fd.hh"
#include "sys/files.hh"

namespace handoff::filter {

// Serves the worker at the other end of `socket` until the worker closes its end or sends something
// malformed. Compiled scripts are kept in memory. If one job takes longer than `limit`, which is
// more than the worker waits, the process is ended by a signal. Blocks.
void serve(const sieve::Engine& engine, sys::Files& files, const sys::Fd& socket,
           std::chrono::seconds limit);

}  // namespace handoff::filter
