// Functions that never block, for a process that talks to several peers at once. They can also read
// the octets of a connected socket without taking them from it.
//
// What is left in the socket tells the peer that it was not read: a unix socket's peer sees it
// there, and over TCP a socket that is closed with unread octets is reset, even if the process is
// killed (RFC 1122 4.2.2.13).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::sys {

// Copies what has arrived into `buffer`; it stays in the socket. 0: the peer has closed its end;
// nothing: no octets are there.
Result<std::optional<std::size_t>> look_at_input(const Fd& socket, char* buffer, std::size_t size);
// Takes `size` octets, which look_at_input() has returned, from the socket.
Status take_input(const Fd& socket, std::size_t size);
// Sends as much of `octets` as the socket takes now; returns how much.
Result<std::size_t> send_some(const Fd& socket, std::string_view octets);
// When the socket is closed, its connection is reset, whatever was read.
void reset_when_closed(const Fd& socket);

}  // namespace handoff::sys
