// The interface of the engine: compile a script, run it, get a plan. It is a module (HACKING.md,
// Modules), because it needs libraries that no other process should load: other code uses only the
// functions here.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/facts.hh"
#include "sieve/fault.hh"
#include "sieve/limits.hh"
#include "sieve/plan.hh"
#include "sieve/site.hh"
#include "sieve/trace.hh"

namespace handoff::sieve {

struct Program;

// A script that can run many times. It holds nothing of the site that it was compiled with.
struct CompiledScript {
  std::shared_ptr<const Program> program;  // null if it cannot run
  Faults faults;
  std::optional<Error> error;  // the site failed to read an included script
  Faults missing;              // included scripts that do not exist: faults when they are needed

  // Returns the first reason why a run may fail; empty if there is none.
  std::string problem() const {
    if (error) return error->describe();
    for (const auto* found : {&faults, &missing}) {
      if (!found->empty()) return found->front().text();
    }
    return {};
  }
};

struct NamedProgram {
  std::string name;  // Place::script of its own actions
  const Program* program;
};

struct Ran {
  Faults faults;               // the one that ended the run, if any
  std::optional<Error> error;  // the site failed to answer: the message must be deferred
  // If there are faults: the implicit keep of the unchanged message.
  Plan plan;
  Trace trace;
  std::vector<std::string> log;  // output of debug_log, and warnings
  std::uint64_t steps = 0;
  std::size_t header_size = 0;  // octets of the message's header, with the empty line
};

// The result of handoff_sieve_module(), the only symbol of the object.
struct Engine {
  const char* version;  // PACKAGE_VERSION when it was compiled; it must equal that of the program
  // Loads what the libraries would otherwise read from files later, such as character sets. Call
  // this in a process that will lose its right to open files, or in its parent.
  void (*prepare)();
  CompiledScript (*compile)(std::string_view script, Site& site, const Limits& limits);
  // Runs the scripts in order over `message`, header and body with CRLF or LF. The next one runs if
  // those before it keep the message; a keep then counts as the implicit one. `traced`: fill
  // Ran::trace.
  Ran (*run)(std::span<const NamedProgram> scripts, std::string_view message, const Facts& facts,
             Site& site, const Limits& limits, bool traced);
};

}  // namespace handoff::sieve

extern "C" const handoff::sieve::Engine* handoff_sieve_module();
