// The resources of the system that a session needs, besides the descriptors that are open when it
// begins. A confined worker (sys/sandbox.hh) is limited to this.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hh"
#include "sys/sandbox.hh"

namespace handoff::worker {

// Does not include the sockets on which sessions arrive. `has_delivery`: there is a delivery
// process, to which messages are passed. `passes_on`: mail is passed on to other hosts.
sys::Needs needs_of(const conf::Config& config, bool has_delivery, bool passes_on);

// Adds the needs of a process that looks up host names and connects.
void add_names(sys::Needs& needs);
// Returns the directories of the files that a definition names (certificates, option files,
// databases); the directories, because such files are often replaced.
std::vector<std::string> folders_in(std::string_view text);

// Starts the process that runs the programs of the site (sys/launcher.hh), if any are configured.
Status start_launcher(const conf::Config& config);

}  // namespace handoff::worker
