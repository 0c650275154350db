// A snapshot as Prometheus reads it.
#pragma once

#include <string>

#include "master/snapshot.hh"

namespace handoff::master {

// `open_metrics`: OpenMetrics 1.0 text; else the text format 0.0.4 that came before it, where a
// counter is declared with its suffix.
std::string metrics(const Snapshot& snapshot, bool open_metrics);

}  // namespace handoff::master
