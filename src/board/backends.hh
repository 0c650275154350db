// What all workers together have seen of each backend. The master adds up their records.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "board/backend_writer.hh"
#include "board/totals.hh"

namespace handoff::board {

// One host as all workers have seen it.
struct BackendFacts {
  std::string name;
  std::uint64_t connections = 0;  // open at the moment
  std::array<std::uint64_t, std::size(kOutcomeNames)> recipients{};
  Distribution latency = {};  // from the end of a message to the host's last reply
  Run<std::uint64_t> up = {};
  Run<std::uint64_t> down = {};

  bool was_asked() const { return up.last > 0 || down.last > 0; }
  // Whether it answered when it was last asked.
  bool is_up() const { return was_asked() && up.last >= down.last; }
  // Since when it is up or down, in seconds since 1970. 0: it was not asked yet.
  std::int64_t since() const;
};

// Adds a worker's records to `backends`, which remain sorted by name, with the others last.
void add(std::vector<BackendFacts>& backends, const BackendRecords& records);
// The same for sums that were formed elsewhere.
void add(std::vector<BackendFacts>& backends, const std::vector<BackendFacts>& more);

}  // namespace handoff::board
