// The representations of a snapshot for people and programs. The numbers come from one table
// (fields.hh).
#pragma once

#include <string>

#include "board/snapshot.hh"

namespace handoff::status {

// For `handoffctl status`, which fits the lines to the terminal. Contains no control characters.
std::string status_table(const board::Snapshot& snapshot);
// One object, with one line for each of the larger members; described in handoffctl(8).
std::string status_json(const board::Snapshot& snapshot);
// For Prometheus. `open_metrics`: OpenMetrics 1.0; otherwise the older text format 0.0.4, in which
// a counter is declared with its suffix.
std::string metrics(const board::Snapshot& snapshot, bool open_metrics);
// One HTML document without scripts. `show_addresses`: also show to whom failed mail was addressed.
// `refreshes`: the browser loads it again every five seconds.
std::string status_page(const board::Snapshot& snapshot, bool show_addresses,
                        bool refreshes = true);

}  // namespace handoff::status
