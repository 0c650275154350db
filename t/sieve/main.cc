// svtest FILE...: runs .svtest files of Pigeonhole and writes one line for each of their tests,
// with tabs between its fields: "pass", file, name; or "FAIL", file, name, why.
// t/interop/t0400-pigeonhole-tests.t evaluates these lines.
#include <iostream>

#include "base/text.hh"
#include "suite.hh"

int main(int argc, char** argv) {
  bool passed = true;
  for (int i = 1; i < argc; ++i) {
    handoff::sieve::testsuite::Suite suite(argv[i]);
    suite.run();
    if (!suite.broken.empty()) suite.outcomes.push_back({"the file itself", 0, suite.broken});
    for (const auto& outcome : suite.outcomes) {
      bool fine = outcome.failure.empty();
      passed = passed && fine;
      std::cout << (fine ? "pass" : "FAIL") << "\t" << argv[i] << "\t"
                << handoff::escape(outcome.name);
      if (!fine) std::cout << "\t" << handoff::escape(outcome.failure);
      std::cout << "\n";
    }
  }
  return passed ? 0 : 1;
}
