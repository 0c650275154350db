// The worker processes by their slots on the board: which there are, which configuration they have,
// and which were told to go.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "board/board.hh"
#include "board/totals.hh"
#include "conf/config.hh"
#include "master/pool.hh"
#include "master/snapshot.hh"

namespace handoff::master {

struct WorkerProcess {
  pid_t pid = 0;  // 0: the slot is free
  unsigned generation = 0;
  bool retired = false;             // told to go
  bool killed = false;              // for want of progress
  bool sweeper = false;             // serves what waits on listeners that are no more, then ends
  std::uint64_t failures_seen = 0;  // of its slot, see History
};

class WorkerTable {
 public:
  explicit WorkerTable(board::Board board) : board_(std::move(board)) {}

  const board::Board& board() const { return board_; }
  void close_shop() { board_.close_shop(); }
  // A free slot, made ready for a new worker; nothing where all are taken.
  std::optional<std::size_t> take_slot();
  void started(std::size_t slot, const WorkerProcess& process);

  struct Gone {
    WorkerProcess process;
    std::uint64_t sessions;
    std::uint64_t transactions;
  };
  // The worker in this slot is no more: its numbers are in the totals of those that have ended.
  Gone ended(std::size_t slot);

  // Of this generation alone: what is on its way out is in nobody's way.
  PoolView view(unsigned generation) const;
  bool any_ready(unsigned generation) const;
  bool empty() const;
  // Whether one of an earlier generation might still accept a connection.
  bool any_waiting_before(unsigned generation) const;

  // Has one idle worker of the generation retire; false where none is.
  bool retire_idle(unsigned generation);
  // Has all retire that are of an earlier generation.
  void retire_before(unsigned generation);
  // Sends `signal` to every worker.
  void signal_all(int signal);
  // Kills those that have shown no progress for longer than they may; says which.
  struct Stuck {
    pid_t pid;
    board::State state;
    std::uint64_t milliseconds;
    std::string peer;
    std::string message;
  };
  std::vector<Stuck> kill_stuck(const conf::Config& config, std::uint64_t now);

  // Of all that have been, those of the program before this one among them.
  board::Totals totals() const;
  void carry_on(const board::Totals& totals) { ended_ = totals; }
  // Counts what others than workers did.
  void add(board::Counter counter, std::uint64_t more) {
    ended_.counters[static_cast<std::size_t>(counter)] += more;
  }
  // The workers' part of a snapshot; `now` in steady milliseconds.
  void describe(Snapshot& snapshot, std::uint64_t now) const;

  // Calls `visit(slot, process)` for each worker.
  template <class Visit>
  void each(Visit visit) {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i].pid != 0) visit(board_.slot(i), workers_[i]);
    }
  }

 private:
  board::Board board_;
  std::vector<WorkerProcess> workers_;  // beside the slots in use
  board::Totals ended_;
};

}  // namespace handoff::master
