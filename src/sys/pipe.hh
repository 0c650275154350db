// A pipe, both ends close-on-exec and non-blocking.
#pragma once

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> open_pipe();

}  // namespace handoff::sys
