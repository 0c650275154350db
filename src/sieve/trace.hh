// The steps of a run, for `handoffctl sieve test`: they explain why a message is in a folder.
#pragma once

#include <string>
#include <vector>

namespace handoff::sieve {

struct TraceEntry {
  std::string script;  // empty: the script itself
  std::size_t line = 0;
  std::string rule;
  std::string call;  // "header :contains"
  // For a test: the compared values and the result. For an action: a description.
  std::vector<std::string> values;
  std::vector<std::string> keys;
  enum class Result : unsigned char { kFalse, kTrue, kDone };
  Result result = Result::kDone;
  std::string note;
};
using Trace = std::vector<TraceEntry>;

}  // namespace handoff::sieve
