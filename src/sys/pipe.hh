// A pipe, both ends close-on-exec and non-blocking.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> open_pipe();
// Writes what the pipe has room for; the rest is lost, and so is all where nobody reads.
void put(const Fd& to, std::string_view octets);
// What is in the pipe now.
std::string take_all(const Fd& from);

}  // namespace handoff::sys
