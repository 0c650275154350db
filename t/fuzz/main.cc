// Runs the target that the environment names with libFuzzer: FUZZ_TARGET=session.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "targets.hh"

namespace {

const handoff::fuzz::Target* target = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("FUZZ_TARGET");
  for (const auto& each : handoff::fuzz::targets()) {
    if (name != nullptr && each.name == name) target = &each;
  }
  if (target == nullptr) {
    std::fputs("FUZZ_TARGET must name a target of t/fuzz/targets.cc\n", stderr);
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  target->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
