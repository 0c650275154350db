// What a process is left with when all it works with is open, and before it hears a peer: on
// OpenBSD the system calls of pledge(2) and the paths of unveil(2), on FreeBSD, where no path is
// needed any more, Capsicum's capability mode. Linux has nothing of the kind here: a unit of
// systemd or an AppArmor profile does it from outside (contrib/).
//
// What is asked for is worked out on every system, from Needs alone, and t/e2e/t0380-sandbox.t
// holds it to the calls that are made on Linux. On a BSD itself it has not been run.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::sys {

// Beside what every one of ours does: memory, clocks, signals, what is open; files in `folders`.
struct Needs {
  std::vector<std::string> folders;   // files and directories below are read, made, removed
  std::vector<std::string> programs;  // that are started; scripts too
  bool any_path = false;              // it cannot be said which files are opened
  bool unix_sockets = false;          // are accepted from or connected to
  bool inet_sockets = false;          // likewise
  bool names = false;                 // of hosts are looked up
  bool accounts = false;              // of the system are looked up
  bool processes = false;             // are forked; programs need that anyway
  bool sends_files = false;           // over a unix socket
  bool receives_files = false;
  bool other_users = false;  // become they, with processes of its own
  bool gives_away = false;   // what it makes is another user's
  bool syslog = false;       // is logged to
};

struct Unveiled {
  std::string path;
  std::string rights;  // of unveil(2): "rwc"

  bool operator==(const Unveiled&) const = default;
};

// For pledge(2).
std::string promises(const Needs& needs);
// For unveil(2); none: all paths stay visible. May read the first line of a program, whose
// interpreter is opened too.
std::vector<Unveiled> unveiled(const Needs& needs);
// Why capability mode is out of the question; empty where it is possible.
std::string path_bound(const Needs& needs);

// Leaves this process, for good, with what it needs, and tells the log by which means (debug).
// `listeners` stay usable to accept from, and for nothing else. Fails where the system refuses:
// nobody should then serve.
Status confine(const Needs& needs, std::span<const Fd* const> listeners, const Log& log);

}  // namespace handoff::sys
