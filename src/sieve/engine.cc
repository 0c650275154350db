#include "sieve/engine.hh"

#include "config.h"
#include "sieve/checker.hh"
#include "sieve/decode.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

Checked check_script(std::string_view script, Site& site, const Limits& limits) {
  auto compiled = compile(script, site, limits);
  return {std::move(compiled.faults), std::move(compiled.error)};
}

Ran run_script(std::string_view script, std::string_view message, const Facts& facts, Site& site,
               const Limits& limits) {
  Ran out;
  auto compiled = compile(script, site, limits);
  Message mail(message, limits);
  Run run(mail, facts, site, limits, &out.trace);
  out.faults = std::move(compiled.faults);
  out.error = std::move(compiled.error);
  if (out.faults.empty() && !out.error) run.execute(compiled.program);
  if (run.fault()) out.faults.push_back(*run.fault());
  if (run.error()) out.error = run.error();
  out.plan = run.finish();
  out.log = run.log();
  out.steps = run.steps();
  out.header_size = mail.original_header_size();
  return out;
}

CompiledScript compile_script(std::string_view script, Site& site, const Limits& limits) {
  auto compiled = compile(script, site, limits);
  CompiledScript out;
  out.faults = std::move(compiled.faults);
  out.error = std::move(compiled.error);
  if (out.faults.empty() && !out.error)
    out.program = std::make_shared<const Program>(std::move(compiled.program));
  return out;
}

Ran run_all_scripts(std::span<const NamedProgram> scripts, std::string_view message,
                    const Facts& facts, Site& site, const Limits& limits) {
  Ran out;
  Message mail(message, limits);
  Run run(mail, facts, site, limits);
  for (const auto& script : scripts) {
    if (&script != scripts.data() && !run.carries_on()) break;
    run.execute(*script.program);
    run.name_actions(script.name);
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
  static const handoff::sieve::Engine kEngine{PACKAGE_VERSION,
                                              handoff::sieve::open_converters,
                                              handoff::sieve::check_script,
                                              handoff::sieve::run_script,
                                              handoff::sieve::compile_script,
                                              handoff::sieve::run_all_scripts};
  return &kEngine;
}
