// A status process: serves HTTP for the master, which parses nothing that comes from a peer. It is
// unprivileged and has two descriptors: the listening socket, and the channel to the master.
//
//   a client --- HTTP ---> status process --- one octet ---> master
//                                         <-- an answer ----
//
// The control socket has its own status process, the only one whose commands the master carries
// out, because only the socket's owner can connect to it. The process for http.listen, to which
// anybody may connect, can only query.
#pragma once

#include "sys/fd.hh"

namespace handoff::status {

struct Options {
  bool commands = false;        // it serves the control socket
  bool show_addresses = false;  // show on the page to whom failed mail was addressed
};

// Runs in a process of its own that has dropped its privileges. Serves until the master closes its
// end of `master`, and then until all replies have been read. Returns the exit code (sysexits.h).
int serve(const Options& options, const sys::Fd& listener, const sys::Fd& master);

}  // namespace handoff::status
