// The questions of a worker to its lookup process (lookup_process.hh), and the answers: one message
// each (sys/message_socket.hh). An answer is a record, whose fields are checked again on arrival,
// because the sender is exposed to servers and the receiver to clients.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hh"
#include "base/result.hh"
#include "recipients/record.hh"

namespace handoff::recipients {

struct Question {
  std::size_t lookup = 0;  // index in recipients.lookup, from 0
  // Nothing: asks whether the lookup knows when mailboxes got their owners. Then any record means
  // yes.
  std::optional<Address> address;
};

// Requires an address that Lookup::find() accepts.
std::string pack(const Question& question);
// Returns nothing if the octets are malformed.
std::optional<Question> unpack_question(std::string_view octets);

using Found = Result<std::optional<Record>>;  // the result of Lookup::find_record()
// An answer that is too long for a message becomes an error.
std::string pack(const Found& found);
// EPROTO if the octets are malformed, EINVAL if a field is malformed.
Found unpack_found(std::string_view octets);

}  // namespace handoff::recipients
