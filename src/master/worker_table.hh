// The worker processes by their slots on the board: which there are, and which were told to go.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "board/board.hh"
#include "master/pool.hh"

namespace handoff::master {

struct WorkerProcess {
  pid_t pid = 0;         // 0: the slot is free
  bool retired = false;  // told to go
};

class WorkerTable {
 public:
  explicit WorkerTable(board::Board board)
      : board_(std::move(board)), workers_(board_.slots().size()) {}

  std::span<board::Slot> slots() const { return board_.slots(); }
  // A free slot, made ready for a new worker; nothing where all are taken.
  std::optional<std::size_t> take_slot();
  void started(std::size_t slot, pid_t pid) { workers_[slot] = {pid, false}; }

  struct Gone {
    WorkerProcess process;
    std::uint64_t sessions;
  };
  // The worker with this pid is no more; nothing where it was none of ours.
  std::optional<Gone> ended(pid_t pid);

  PoolView view() const;
  bool any_ready() const;
  bool empty() const;

  // Sends SIGTERM to one idle worker; false where none is.
  bool retire_idle();
  // Sends `signal` to every worker.
  void signal_all(int signal);

 private:
  board::Board board_;
  std::vector<WorkerProcess> workers_;  // beside the slots
};

}  // namespace handoff::master
