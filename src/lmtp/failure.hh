// The one table from a failure of storage or lookup to a reply. A message is never bounced
// for a fault of ours: every row is 4xx, and an errno that is not in the table is 451 4.3.0.
#pragma once

#include <span>

#include "base/result.hh"
#include "lmtp/reply.hh"

namespace handoff::lmtp {

struct FailureRow {
  int code;  // errno
  Phrase phrase;
};

// The table, for its documentation and its test.
std::span<const FailureRow> failure_table();

// What a recipient is told when delivery failed with `error`. The cause and the path are for the
// log alone.
Reply reply_to(const Error& error);
// What a recipient is told when it could not be looked up: 451 4.3.0, whatever the cause (R1).
Reply reply_to_lookup_failure();

}  // namespace handoff::lmtp
