// The one table from a failure of storage or lookup to a reply. Our own failures never bounce a
// message: every row is 4xx, and an errno that is not in the table becomes 451 4.3.0.
#pragma once

#include <span>

#include "base/result.hh"
#include "lmtp/reply.hh"

namespace handoff::lmtp {

struct FailureRow {
  int code;  // errno
  Phrase phrase;
};

// Returns the table, for the test that compares it with the documentation.
std::span<const FailureRow> failure_table();

// Returns the reply for a recipient if delivery failed with `error`. Cause and path are only for
// the log.
Reply reply_to(const Error& error);
// Returns the reply for a recipient if the lookup failed, whatever the cause: 451 4.3.0 (R1).
Reply reply_to_lookup_failure();

}  // namespace handoff::lmtp
