// The data that a master passes to the program image that replaces it (by exec, in the same
// process), and to the image that first tries whether this is possible. It is text in the
// environment, with one value per line; an image ignores lines that it does not know.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endpoint.hh"

namespace handoff::master {

inline constexpr char kHandoverVariable[] = "HANDOFFD_HANDOVER";

struct Handover {
  // A trial opens what the new configuration names, plays a session with itself, and exits.
  bool trial = false;
  bool activated = false;                           // the listeners came from inetd or systemd
  std::vector<std::pair<Endpoint, int>> listeners;  // descriptors; several may share an endpoint
  int control = -1;                                 // the control socket; -1: none; likewise below
  int http = -1;
  std::string http_endpoint;
  int pid_file = -1;  // open and locked
  std::string pid_file_path;
  int life_read = -1;
  int life_write = -1;
  std::vector<pid_t> workers;  // children that serve until ours are ready
  pid_t keeper = 0;            // keeps the spool for this host; 0: none
  unsigned upgrades = 0;       // how many preceded this one
  std::int64_t started = 0;    // of the first image: seconds since 1970
  std::string totals;          // board::Totals as text
  std::string backends;        // board::BackendFacts as text
  std::uint64_t deaths = 0;    // of workers, so far
  std::uint64_t killed = 0;
  unsigned reloads_refused = 0;

  std::string pack() const;
  // Returns nothing if the text is malformed.
  static std::optional<Handover> unpack(std::string_view text);
};

}  // namespace handoff::master
