// What is fuzzed. Each target is one function of octets, whatever they are, which throws
// std::logic_error where a property does not hold, and otherwise comes back. t/fuzz/main.cc gives
// them to libFuzzer (`make fuzz`); t/unit/corpus_test.cc runs the corpus and all that was ever
// found through them in `make check`.
#pragma once

#include <span>
#include <string_view>

namespace handoff::fuzz {

// Octets of a session: framing, replies, content, and that no split of them matters.
void session(std::string_view octets);
// A path of MAIL or RCPT: what parses is printed, and parses to the same.
void path(std::string_view octets);
// Parameters of MAIL and RCPT, and the grammars of their values.
void parameters(std::string_view octets);
// Content: its end and its dots, its header, and DATA beside BDAT.
void data(std::string_view octets);
// A configuration file: what loads is dumped, and loads to the same.
void config(std::string_view octets);

struct Target {
  std::string_view name;
  void (*run)(std::string_view octets);
};
std::span<const Target> targets();

// Throws std::logic_error(rule) where it is not kept.
void require(bool kept, const char* rule);

}  // namespace handoff::fuzz
