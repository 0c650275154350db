// Two connected unix sockets that preserve message boundaries (SOCK_SEQPACKET), for two processes
// of ours that do not trust each other. A message may carry one descriptor (SCM_RIGHTS).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hh"
#include "sys/clock.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// The maximum size of a message, octets: FreeBSD's net.local.seqpacket.maxseqpacket.
inline constexpr std::size_t kMaxMessage = 8192;

// Close-on-exec and non-blocking.
Result<std::pair<Fd, Fd>> message_pair();

// Forks a process that runs `serve` with one end of a message pair, as fork_process() does; returns
// the other end.
Result<Fd> fork_server(const std::function<int(const Fd&)>& serve);

// Sends one message, with `descriptor` unless that is null. EMSGSIZE if it is too long, EPIPE if
// the other end is closed, ETIMEDOUT at the deadline.
Status send_message(const Fd& to, std::string_view octets, const Fd* descriptor,
                    Steady::time_point deadline);

struct Message {
  std::string octets;
  Fd descriptor;      // not open unless exactly one came
  bool whole = true;  // false: longer than kMaxMessage, or more than one descriptor came
};
// Returns the next message; nothing if the other end is closed. ETIMEDOUT at the deadline; waits
// without limit if there is none.
Result<std::optional<Message>> receive_message(const Fd& from,
                                               std::optional<Steady::time_point> deadline);
// Returns the descriptor of the next message; nothing if it has none, or none comes by then.
std::optional<Fd> receive_descriptor(const Fd& from, Steady::time_point deadline);

}  // namespace handoff::sys
