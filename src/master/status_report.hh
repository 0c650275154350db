// A snapshot for `handoffctl status`: as a table that fits 80 columns, and as JSON.
#pragma once

#include <string>

#include "master/snapshot.hh"

namespace handoff::master {

std::string status_table(const Snapshot& snapshot);
// One object, a line each for the larger members, for programs; handoffctl(8) describes it.
std::string status_json(const Snapshot& snapshot);

}  // namespace handoff::master
