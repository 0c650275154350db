// A compiled script with all that it includes.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>

#include "sieve/fault.hh"
#include "sieve/tree.hh"

namespace handoff::sieve {

struct Program {
  // The first is the script itself, the others are included by it or by each other.
  std::deque<Script> scripts;
  bool variables = false;  // a script requires "variables", so tests set match variables
};

}  // namespace handoff::sieve
