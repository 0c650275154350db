// Confines a process to what its configuration needs, after it has opened the files and sockets
// that it uses, and before it reads from a peer: by Landlock and seccomp on Linux
// (linux_sandbox.hh), by pledge(2) and unveil(2) on OpenBSD, by Capsicum's capability mode on
// FreeBSD if no path is needed after that.
//
// The requests for the BSDs are derived from Needs on every system, and t/e2e/t0380-sandbox.t
// compares them with the calls made on Linux. None of this has been run on a BSD.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hh"
#include "sys/fd.hh"
#include "sys/log.hh"

namespace handoff::sys {

// The needs of a process besides memory, clocks, signals and open descriptors.
struct Needs {
  std::vector<std::string> folders;  // files and directories in these are read, created and removed
  std::vector<std::string> readable;  // these files, and files in these directories, are only read
  std::vector<std::string> programs;  // programs and scripts to execute
  bool launcher = false;              // a launcher executes the programs (launcher.hh)
  bool any_path = false;              // the files to open are not known in advance
  bool mailboxes_anywhere = false;    // mailboxes may be outside of `folders`
  bool libraries = false;             // libraries of others read their files and load plugins
  bool unix_sockets = false;          // accepted from or connected to
  bool inet_sockets = false;          // likewise
  bool connects_unix = false;         // connected to
  bool connects_inet = false;         // likewise
  // TCP ports to connect to; nothing: any port.
  std::optional<std::vector<std::uint16_t>> tcp_ports = std::vector<std::uint16_t>();
  bool names = false;        // looks up host names
  bool accounts = false;     // looks up users of the system
  bool processes = false;    // forks; running programs implies it
  bool sends_files = false;  // over a unix socket
  bool receives_files = false;
  bool other_users = false;  // has processes that become other users
  bool gives_away = false;   // gives files to other users
  bool syslog = false;       // logs to syslog

  bool executes() const { return !programs.empty() && !launcher; }
  bool uses_libraries() const { return libraries || names || accounts; }
};

struct Unveiled {
  std::string path;
  std::string rights;  // of unveil(2): "rwc"

  bool operator==(const Unveiled&) const = default;
};

// Returns the promises for pledge(2).
std::string promises(const Needs& needs);
// Returns the paths for unveil(2); empty: all paths stay visible. May read the first line of a
// program, because a script's interpreter has to be visible too.
std::vector<Unveiled> unveiled(const Needs& needs);
// Returns why capability mode is impossible; empty if it is possible.
std::string path_bound(const Needs& needs);

// Confines this process until it ends, and logs how (debug). `process` is its name in the log. On
// FreeBSD `listeners` can then only be used to accept connections. Fails if the system refuses; the
// process must not serve then.
Status confine(std::string_view process, const Needs& needs, std::span<const Fd* const> listeners,
               const Log& log);

// Returns what confine() cannot do on this system, one sentence each; empty if nothing is missing.
std::vector<std::string> missing_confinement();

}  // namespace handoff::sys
