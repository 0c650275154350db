// The limits of one script and one run. They count octets and steps, never seconds, so that a
// script gives the same result on a busy machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace handoff::sieve {

// How many octets of text one step compares.
inline constexpr std::uint64_t kOctetsOfStep = 1024;

struct Limits {
  // Limits of a script. RFC 5228 2.10.5 and 2.10.7 require at least 15 nested blocks and 15 nested
  // test lists. Pigeonhole allows 1 MiB for a script, 32 levels and 32 octets for an identifier.
  std::size_t script_size = std::size_t{1} << 20;
  std::size_t nesting = 32;
  std::size_t identifier_size = 32;
  std::size_t arguments = 32;
  std::size_t errors = 20;  // after this number the compiler stops
  // RFC 6609 3.2: at least three levels of include.
  std::size_t include_depth = 10;
  std::size_t includes = 255;
  // RFC 5229 6: at least 128 variables, names of 32 octets, values of 4,000 octets, and match
  // variables up to ${9}. Pigeonhole allows 255, 64, 4,096 and 32.
  std::size_t variables = 255;
  std::size_t variable_name_size = 64;
  std::size_t variable_size = 4096;
  std::size_t match_values = 32;
  // Limits of a run. A typical script of 20 rules takes a few hundred steps.
  std::uint64_t steps = 5'000'000;
  std::size_t actions = 32;
  std::size_t redirects = 4;  // Pigeonhole's sieve_max_redirects
  std::size_t header_edits = 100;
  std::size_t header_size = 2048;  // of one field that addheader creates; RFC 5293 4 sets no limit
  std::size_t notifications = 8;
  std::size_t recipients = 8;                        // of one notification
  std::size_t outgoing_size = std::size_t{1} << 20;  // of a reply or notification, octets
  std::size_t reason_size = 4096;
  std::size_t flags = 64;         // keywords of one copy
  std::size_t marks = 32;         // messages that `duplicate` remembers
  std::size_t questions = 200;    // to the site; each may access a disk
  std::size_t loop_depth = 4;     // nested foreverypart
  std::size_t mime_parts = 1000;  // parts into which a message is divided
  std::size_t mime_depth = 50;
  std::size_t decoded_size = std::size_t{16} << 20;  // of all decoded parts of a message together
  std::size_t trace_entries = 10'000;
  // RFC 6131 2, RFC 5230 4.1: seconds between two vacation replies to a sender.
  std::uint64_t vacation_least = 86'400;
  std::uint64_t vacation_most = 0;  // 0: none
  std::uint64_t vacation_default = 7 * std::uint64_t{86'400};
  // RFC 7352 3.3.
  std::uint64_t duplicate_default = 7 * std::uint64_t{86'400};
  std::uint64_t duplicate_most = 30 * std::uint64_t{86'400};
};

}  // namespace handoff::sieve
