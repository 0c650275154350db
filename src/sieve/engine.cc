#include "sieve/engine.hh"

#include "config.h"
#include "sieve/checker.hh"
#include "sieve/decode.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

CompiledScript compile_script(std::string_view script, Site& site, const Limits& limits) {
  auto compiled = compile(script, site, limits);
  CompiledScript out;
  out.faults = std::move(compiled.faults);
  out.error = std::move(compiled.error);
  out.missing = std::move(compiled.missing);
  if (out.faults.empty() && !out.error)
    out.program = std::make_shared<const Program>(std::move(compiled.program));
  return out;
}

Ran run_scripts(std::span<const NamedProgram> scripts, std::string_view message, const Facts& facts,
                Site& site, const Limits& limits, bool traced) {
  Ran out;
  Message mail(message, limits);
  Run run(mail, facts, site, limits, traced ? &out.trace : nullptr);
  for (const auto& script : scripts) {
    if (&script != scripts.data() && !run.carries_on()) break;
    run.execute(*script.program);
    run.name_script(script.name);
    if (run.failed()) break;
  }
  if (run.fault()) out.faults.push_back(*run.fault());
  out.error = run.error();
  out.plan = run.finish();
  out.log = run.log();
  out.steps = run.steps();
  out.header_size = mail.original_header_size();
  return out;
}

}  // namespace
}  // namespace handoff::sieve

extern "C" const handoff::sieve::Engine* handoff_sieve_module() {
  static const handoff::sieve::Engine kEngine{PACKAGE_VERSION, handoff::sieve::open_converters,
                                              handoff::sieve::compile_script,
                                              handoff::sieve::run_scripts};
  return &kEngine;
}
