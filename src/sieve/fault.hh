// An error in a script or in a run of it, in words for the script's author.
#pragma once

#include <string>
#include <vector>

namespace handoff::sieve {

struct Fault {
  std::string script;  // the name of an included script; empty: the script itself
  std::size_t line = 0;
  std::string what;

  // "line 3: unknown command 'fielinto'", "spam: line 3: ..."
  std::string text() const {
    return (script.empty() ? "" : script + ": ") + "line " + std::to_string(line) + ": " + what;
  }
};
using Faults = std::vector<Fault>;

}  // namespace handoff::sieve
