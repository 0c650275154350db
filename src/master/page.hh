// The status page: one HTML document, without scripts, that a person may keep open.
#pragma once

#include <string>

#include "master/snapshot.hh"

namespace handoff::master {

// `show_addresses`: whose mail it was that failed is shown too.
std::string status_page(const Snapshot& snapshot, bool show_addresses);

}  // namespace handoff::master
