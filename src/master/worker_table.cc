#include "master/worker_table.hh"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace handoff::master {

using board::State;

std::optional<std::size_t> WorkerTable::take_slot() {
  auto free = std::ranges::find_if(workers_, [](const auto& worker) { return worker.pid == 0; });
  if (free == workers_.end()) return std::nullopt;
  auto index = static_cast<std::size_t>(free - workers_.begin());
  auto& slot = slots()[index];
  slot.state = State::kStarting;
  slot.sessions = 0;
  slot.transactions = 0;
  return index;
}

std::optional<WorkerTable::Gone> WorkerTable::ended(pid_t pid) {
  auto worker = std::ranges::find_if(workers_, [&](const auto& w) { return w.pid == pid; });
  if (worker == workers_.end()) return std::nullopt;
  auto& slot = slots()[static_cast<std::size_t>(worker - workers_.begin())];
  // A slot that nobody writes to any more must not look idle to the others.
  slot.state = State::kStarting;
  return Gone{std::exchange(*worker, {}), slot.sessions};
}

PoolView WorkerTable::view() const {
  PoolView view;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].pid == 0) continue;
    switch (slots()[i].state.load()) {
      case State::kStarting:
        ++view.starting;
        break;
      case State::kIdle:
        // One that is on its way out counts among those in the way of a new one.
        ++(workers_[i].retired ? view.busy : view.idle);
        break;
      case State::kBusy:
        ++view.busy;
        break;
    }
  }
  return view;
}

bool WorkerTable::any_ready() const {
  return std::ranges::any_of(slots(), [](const auto& s) { return s.state != State::kStarting; });
}

bool WorkerTable::empty() const {
  return std::ranges::all_of(workers_, [](const auto& worker) { return worker.pid == 0; });
}

bool WorkerTable::retire_idle() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto& worker = workers_[i];
    if (worker.pid == 0 || worker.retired || slots()[i].state != State::kIdle) continue;
    worker.retired = true;
    ::kill(worker.pid, SIGTERM);
    return true;
  }
  return false;
}

void WorkerTable::signal_all(int signal) {
  for (auto& worker : workers_) {
    if (worker.pid == 0) continue;
    worker.retired = true;
    ::kill(worker.pid, signal);
  }
}

}  // namespace handoff::master
