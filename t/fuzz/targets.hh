// Fuzz targets. Each is a function of arbitrary octets that throws std::logic_error if a property
// does not hold. t/fuzz/main.cc passes them to libFuzzer (`make fuzz`); t/unit/corpus_test.cc runs
// the corpus and all former findings in `make check`.
#pragma once

#include <span>
#include <string_view>

namespace handoff::fuzz {

// Octets of a session: framing, replies and content, independent of how they are split into reads.
void session(std::string_view octets);
// A path of MAIL or RCPT: a parsed path is printed and parsed again with the same result.
void path(std::string_view octets);
// Parameters of MAIL and RCPT, and the grammars of their values.
void parameters(std::string_view octets);
// The header of the PROXY protocol: no octet after it is read.
void proxy(std::string_view octets);
// Content: its end, its dots and its header; DATA and BDAT give the same result.
void data(std::string_view octets);
// A configuration file: a loaded file is dumped and loaded again with the same result.
void config(std::string_view octets);
// A Sieve script and, after NUL, the message that it runs over: limits hold, and after a failure
// the message is kept. Does nothing in a build without Sieve.
void sieve(std::string_view octets);
// The answer of a lookup server about a recipient: the resulting mailbox is safe to open.
void answer(std::string_view octets);
// A request to a delivery process, and its outcome.
void request(std::string_view octets);
// The data that the master passes to the program that replaces it.
void handover(std::string_view octets);
// A connection to a status process.
void http(std::string_view octets);

struct Target {
  std::string_view name;
  void (*run)(std::string_view octets);
};
std::span<const Target> targets();

// Throws std::logic_error(rule) if `kept` is false.
void require(bool kept, const char* rule);

}  // namespace handoff::fuzz
