// Messages of any length between two processes of ours: each travels as one or more messages of
// message_socket.hh.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.hh"
#include "sys/message_socket.hh"

namespace handoff::sys {

// Sends a message, with `descriptor` unless that is null. Errors are those of send_message().
Status send_frames(const Fd& to, std::string_view octets, const Fd* descriptor,
                   Steady::time_point deadline);
// Returns the next message; nothing if the other end is closed. EBADMSG if it is longer than `most`
// octets or malformed, ETIMEDOUT at the deadline.
Result<std::optional<Message>> receive_frames(const Fd& from, std::size_t most,
                                              std::optional<Steady::time_point> deadline);

}  // namespace handoff::sys
