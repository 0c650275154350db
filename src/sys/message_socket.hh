// Two unix sockets that keep messages apart (SOCK_SEQPACKET), connected to each other: how two
// processes of ours talk that do not trust each other. A message may bring one descriptor along
// (SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// No message is longer, octets: FreeBSD's net.local.seqpacket.maxseqpacket.
inline constexpr std::size_t kMaxMessage = 8192;

// Close-on-exec and non-blocking.
Result<std::pair<Fd, Fd>> message_pair();

// Sends one message, and `descriptor` with it where there is one. EMSGSIZE where it is too long,
// EPIPE where nobody is at the other end, ETIMEDOUT at the deadline.
Status send_message(const Fd& to, std::string_view octets, const Fd* descriptor,
                    Steady::time_point deadline);

struct Message {
  std::string octets;
  Fd descriptor;      // nothing: none came, or not exactly one
  bool whole = true;  // false: it was longer than kMaxMessage, or more than one descriptor came
};
// The next message; nothing where the other end is closed. ETIMEDOUT at the deadline; without one
// it waits for as long as it takes.
Result<std::optional<Message>> receive_message(const Fd& from,
                                               std::optional<Steady::time_point> deadline);

}  // namespace handoff::sys
