// The worker processes, indexed by their slots of the scoreboard: which configuration each has, and
// which were told to end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <utility>
#include <vector>

#include "board/board.hh"
#include "board/slot_writer.hh"
#include "board/snapshot.hh"
#include "board/totals.hh"
#include "conf/config.hh"
#include "master/pool.hh"
#include "sys/fd.hh"

namespace handoff::master {

struct WorkerProcess {
  pid_t pid = 0;  // 0: the slot is free
  unsigned generation = 0;
  pid_t lookups = 0;                // its lookup process; 0: it has none
  pid_t filter = 0;                 // likewise its filter process
  bool retired = false;             // told to end
  bool killed = false;              // because it made no progress
  bool until_empty = false;         // serves the backlog of closed listeners, then ends
  int only = -1;                    // the listener that it is reserved for; -1: none
  std::uint64_t failures_seen = 0;  // in its slot; see History
};

class WorkerTable {
 public:
  explicit WorkerTable(board::Board board) : board_(std::move(board)) {}

  const board::Board& board() const { return board_; }
  // For a child that is not a worker: from now on it can neither read nor write the board.
  void forget_board() { board_.unmap(); }
  // For the sender: returns its slot. From now on it can write to no other.
  Result<board::SlotWriter> keep_senders_slot() const {
    auto kept = board_.keep_own(board_.senders_slot());
    if (!kept) return kept.error();
    return board::SlotWriter(board_.slot(board_.senders_slot()));
  }
  void stop_accepting() { board_.stop_accepting(); }
  void set_crowded(bool crowded) { board_.set_crowded(crowded); }
  // Returns a free slot, cleared for a new worker; nothing if all are in use.
  std::optional<std::size_t> take_slot();
  void started(std::size_t slot, const WorkerProcess& process);

  struct Gone {
    WorkerProcess process;
    std::uint64_t sessions;
    std::uint64_t transactions;
  };
  // The worker in this slot has ended: adds its numbers to the totals and frees the slot.
  Gone ended(std::size_t slot);

  // Counts the workers of this generation; those of others are about to end.
  // `listeners`: those of this generation.
  using Listeners = std::vector<const sys::Fd*>;
  PoolView view(unsigned generation, const Listeners& listeners) const;
  // Returns the listeners of the next worker: all of them, or the one that it is reserved for.
  // `max`: workers.max.
  Listeners listeners_for_next(unsigned generation, const Listeners& listeners, unsigned max) const;
  bool any_ready(unsigned generation) const;
  bool empty() const;
  // Returns whether a worker of an earlier generation might still accept a connection.
  bool any_waiting_before(unsigned generation) const;

  // Tells one idle worker of the generation to end, if there is any: first a reserved one.
  void retire_idle(unsigned generation);
  // Tells all workers of earlier generations to end.
  void retire_before(unsigned generation);
  // Sends `signal` to every worker.
  void signal_all(int signal);
  // Kills workers that have made no progress for longer than allowed, and returns them.
  struct Stuck {
    pid_t pid;
    board::State state;
    std::uint64_t milliseconds;
    std::string peer;
    std::string message;
  };
  std::vector<Stuck> kill_stuck(const conf::Config& config);

  // Returns the totals of all workers since the start, including those of previous program images.
  board::Totals totals() const;
  // Likewise what they have seen of backends.
  std::vector<board::BackendFacts> backends() const;
  void carry_on(const board::Totals& totals) { ended_ = totals; }
  void carry_on(std::vector<board::BackendFacts> backends) {
    ended_backends_ = std::move(backends);
  }
  // Counts events in other processes.
  void add(board::Counter counter, std::uint64_t more) {
    ended_.counters[static_cast<std::size_t>(counter)] += more;
  }
  // Fills in the workers' part of a snapshot.
  void describe(board::Snapshot& snapshot) const;

  // Calls `visit(slot, process)` for each worker.
  template <class Visit>
  void each(Visit visit) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i].pid != 0) visit(board_.slot(i), workers_[i]);
    }
  }

 private:
  // Returns whether the worker of this slot is one that the pool decides about.
  bool is_of(unsigned generation, std::size_t slot) const {
    const auto& worker = workers_[slot];
    return worker.pid != 0 && worker.generation == generation && !worker.until_empty;
  }

  board::Board board_;
  std::vector<WorkerProcess> workers_;  // parallel to the slots
  board::Totals ended_;
  std::vector<board::BackendFacts> ended_backends_;
};

}  // namespace handoff::master
