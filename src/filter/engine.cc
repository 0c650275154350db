#include "filter/engine.hh"

#include <cerrno>
#include <string_view>

#include "config.h"
#include "recipients/modules.hh"
#include "sys/module.hh"

namespace handoff::filter {

Result<const sieve::Engine*> open_engine() {
  auto path = recipients::modules_folder() + "/handoff-sieve.so";
  auto opened = sys::open_module(path, "handoff_sieve_module");
  if (!opened) {
    return explained(ENOTSUP,
                     "the part of handoff for Sieve is not installed (a build --with-sieve, or the "
                     "package handoff-sieve): " +
                         opened.error().describe());
  }
  const auto* engine = reinterpret_cast<decltype(&handoff_sieve_module)>(opened.value())();
  if (std::string_view(engine->version) != PACKAGE_VERSION) {
    return explained(ENOTSUP, path + " belongs to handoff " + engine->version +
                                  ", and this is " PACKAGE_VERSION);
  }
  return engine;
}

}  // namespace handoff::filter
