#include "master/worker_table.hh"

#include <algorithm>
#include <csignal>
#include <utility>

#include "sys/clock.hh"
#include "sys/process.hh"
#include "sys/signals.hh"

namespace handoff::master {

using board::Counter;
using board::State;

namespace {

std::uint64_t steady_milliseconds() {
  auto now = sys::Steady::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// Returns the index of the listener with this descriptor; listeners.size() if there is none.
std::size_t index_of(int fd, const WorkerTable::Listeners& listeners) {
  auto found = std::ranges::find(listeners, fd, [](const sys::Fd* each) { return each->get(); });
  return static_cast<std::size_t>(found - listeners.begin());
}

}  // namespace

std::optional<std::size_t> WorkerTable::take_slot() {
  auto free = std::ranges::find(workers_, 0, &WorkerProcess::pid);
  auto index = static_cast<std::size_t>(free - workers_.begin());
  if (index >= board_.capacity()) return std::nullopt;
  if (free == workers_.end()) workers_.emplace_back();
  board_.take(index);
  return index;
}

void WorkerTable::started(std::size_t slot, const WorkerProcess& process) {
  workers_[slot] = process;
  board_.slot(slot).reserved = process.only >= 0;
}

WorkerTable::Gone WorkerTable::ended(std::size_t index) {
  const auto& slot = board_.slot(index);
  ended_.add(slot);
  board::add(ended_backends_, board_.backends(index));
  for (auto& backend : ended_backends_) backend.connections = 0;
  Gone gone{std::exchange(workers_[index], {}),
            slot.counters[static_cast<std::size_t>(Counter::kSessions)],
            slot.counters[static_cast<std::size_t>(Counter::kTransactions)]};
  // An unused slot must neither count as idle nor hold a mailbox.
  board_.take(index);
  return gone;
}

PoolView WorkerTable::view(unsigned generation, const Listeners& listeners) const {
  PoolView view;
  unsigned general = 0;  // idle workers that accept from all listeners
  std::vector<unsigned> reserved(listeners.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!is_of(generation, i)) continue;
    const auto& worker = workers_[i];
    auto state = board_.slot(i).state.load();
    if (state == State::kStarting) {
      ++view.starting;
    } else if (board::is_busy(state) || worker.retired) {
      // A retiring worker still counts towards workers.max.
      ++view.busy;
    } else {
      auto only = index_of(worker.only, listeners);
      ++(only < reserved.size() ? reserved[only] : general);
    }
  }
  auto least = reserved.empty() ? 0U : *std::ranges::min_element(reserved);
  view.idle = general + least;
  for (auto idle : reserved) view.aside += idle;
  view.aside -= least;
  return view;
}

WorkerTable::Listeners WorkerTable::listeners_for_next(unsigned generation,
                                                       const Listeners& listeners,
                                                       unsigned max) const {
  unsigned general = 0;
  std::vector<unsigned> reserved(listeners.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!is_of(generation, i)) continue;
    auto only = index_of(workers_[i].only, listeners);
    ++(only < reserved.size() ? reserved[only] : general);
  }
  auto only = reservation(max, general, reserved);
  return only ? Listeners{listeners[*only]} : listeners;
}

bool WorkerTable::any_ready(unsigned generation) const {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto& worker = workers_[i];
    if (worker.pid != 0 && worker.generation == generation && !worker.until_empty &&
        board_.slot(i).state != State::kStarting) {
      return true;
    }
  }
  return false;
}

bool WorkerTable::any_waiting_before(unsigned generation) const {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto& worker = workers_[i];
    if (worker.pid != 0 && worker.generation < generation && !worker.until_empty &&
        !board::is_busy(board_.slot(i).state)) {
      return true;
    }
  }
  return false;
}

bool WorkerTable::empty() const {
  return std::ranges::all_of(workers_, [](const auto& worker) { return worker.pid == 0; });
}

void WorkerTable::retire_idle(unsigned generation) {
  WorkerProcess* chosen = nullptr;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto& worker = workers_[i];
    if (worker.pid == 0 || worker.retired || worker.generation != generation) continue;
    if (board_.slot(i).state != State::kIdle) continue;
    if (chosen == nullptr || (chosen->only < 0 && worker.only >= 0)) chosen = &worker;
  }
  if (chosen == nullptr) return;
  chosen->retired = true;
  sys::send_signal(chosen->pid, sys::kRetire);
}

void WorkerTable::retire_before(unsigned generation) {
  for (auto& worker : workers_) {
    if (worker.pid == 0 || worker.generation >= generation || worker.retired) continue;
    worker.retired = true;
    sys::send_signal(worker.pid, sys::kRetire);
  }
}

void WorkerTable::signal_all(int signal) {
  for (auto& worker : workers_) {
    if (worker.pid == 0) continue;
    worker.retired = true;
    sys::send_signal(worker.pid, signal);
  }
}

std::vector<WorkerTable::Stuck> WorkerTable::kill_stuck(const conf::Config& config) {
  auto now = steady_milliseconds();
  std::vector<Stuck> out;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto& worker = workers_[i];
    if (worker.pid == 0 || worker.killed) continue;
    const auto& slot = board_.slot(i);
    auto state = slot.state.load();
    auto limit = patience(state, config);
    auto progress = slot.progress.load();
    if (!limit || progress == 0 || now < progress) continue;
    auto without = now - progress;
    if (without <= static_cast<std::uint64_t>(std::chrono::milliseconds(*limit).count())) continue;
    worker.killed = true;
    out.push_back({worker.pid, state, without, slot.peer.get(), slot.message.get()});
    sys::send_signal(worker.pid, SIGKILL);
  }
  return out;
}

board::Totals WorkerTable::totals() const {
  auto out = ended_;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].pid != 0) out.add(board_.slot(i));
  }
  out.add(board_.slot(board_.senders_slot()));
  return out;
}

std::vector<board::BackendFacts> WorkerTable::backends() const {
  auto out = ended_backends_;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].pid != 0) board::add(out, board_.backends(i));
  }
  return out;
}

void WorkerTable::describe(board::Snapshot& snapshot) const {
  auto now = steady_milliseconds();
  snapshot.totals = totals();
  snapshot.backends = backends();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto& worker = workers_[i];
    if (worker.pid == 0) continue;
    const auto& slot = board_.slot(i);
    board::WorkerFacts facts;
    facts.pid = worker.pid;
    facts.generation = worker.generation;
    facts.departing = worker.retired || worker.until_empty;
    facts.state = slot.state;
    auto since = slot.since.load();
    facts.since = since == 0 || since > now ? 0 : static_cast<double>(now - since) / 1000;
    facts.peer = slot.peer.get();
    facts.message = slot.message.get();
    facts.sessions = slot.counters[static_cast<std::size_t>(Counter::kSessions)];
    facts.transactions = slot.counters[static_cast<std::size_t>(Counter::kTransactions)];
    if (facts.departing) ++snapshot.departing;
    auto state = static_cast<std::size_t>(facts.state);
    if (state < board::kStates) ++snapshot.by_state[state];
    snapshot.workers.push_back(std::move(facts));
  }
}

}  // namespace handoff::master
