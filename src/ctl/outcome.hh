// What became of a message for one recipient, and what all outcomes together are as an exit code.
#pragma once

#include <span>
#include <string>

#include "ctl/paint.hh"
#include "lmtp/reply.hh"

namespace handoff::ctl {

struct Outcome {
  std::string recipient;
  // The server's verdict. Code 0: there is none, and the text says why; the message may or may not
  // have arrived, and has to be sent again.
  lmtp::Reply reply;

  // "<pat@example.org> 250 2.0.0 delivered", fit for a terminal.
  std::string line(Paint paint = {}) const;
};

// For whoever calls from a script or as a queue manager's pipe (sysexits.h): EX_OK where every
// recipient was taken, EX_TEMPFAIL where sending again may help any of them, and else by what the
// refusals have in common; handoffctl(8) has the table.
int exit_code(std::span<const Outcome> outcomes);

}  // namespace handoff::ctl
