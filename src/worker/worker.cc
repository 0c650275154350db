#include "worker/worker.hh"

#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "board/slot_writer.hh"
#include "sys/account.hh"
#include "sys/arrivals.hh"
#include "sys/confinement.hh"
#include "sys/fd.hh"
#include "sys/files.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "sys/title.hh"
#include "worker/connection.hh"
#include "worker/needs.hh"
#include "worker/proxied.hh"
#include "worker/services.hh"

namespace handoff::worker {
namespace {

using board::Counter;
using board::State;
using sys::Arrivals;

// Pause after a failure of accept that would repeat immediately (no descriptors, no memory).
constexpr std::chrono::milliseconds kAcceptPause{100};
// If a worker was idle for this long, it looks at the spool before it accepts a connection. Under
// load the check of each message is enough, and costs less.
constexpr std::chrono::seconds kLookEvery{1};

class Worker {
 public:
  Worker(const Inheritance& inherited, Services& services, Arrivals arrivals)
      : inherited_(inherited),
        services_(services),
        arrivals_(std::move(arrivals)),
        slot_writer_(inherited.board, inherited.own_slot) {}

  int run() {
    sys::set_title("worker, idle");
    enter(State::kIdle);
    if (inherited_.until_empty) {
      empty_backlog();
      return EX_OK;
    }
    while (!is_worn_out()) {
      auto event = arrivals_.wait();
      switch (event.what) {
        case Arrivals::What::kConnection:
          look_at_spool();
          if (services_.spool->gone()) break;  // the next worker accepts it
          if (!accept(event.listener)) pause();
          if (sys::stop_requested()) return leave();
          break;
        case Arrivals::What::kStop:
          return leave();
        case Arrivals::What::kParentGone:
          return EX_OK;
      }
    }
    const auto& gone = services_.spool->gone();
    if (!gone) return EX_OK;
    services_.log.error("spool gone", {{"cause", gone->describe()}});
    return kSpoolGone;
  }

  board::SlotWriter& slot_writer() { return slot_writer_; }

 private:
  // Serves or refuses the connections that are waiting when a stop is requested.
  int leave() {
    if (inherited_.board.closing()) {
      empty_backlog();  // each gets 421, which is better than a reset
      return EX_OK;
    }
    // Other workers continue. But a connection that arrived just before the stop may have woken
    // only this worker. If this worker only retires, that client may make its first transaction
    // (Connection).
    for (std::size_t i = 0; i < inherited_.listeners.size(); ++i) {
      if (take_one(i)) break;
    }
    return EX_OK;
  }

  void empty_backlog() {
    for (std::size_t i = 0; i < inherited_.listeners.size(); ++i) {
      while (take_one(i)) {
      }
    }
  }

  // Returns false after a failure that would repeat immediately.
  bool accept(std::size_t listener) {
    auto connection = sys::accept_from(*inherited_.listeners[listener]);
    if (!connection) {
      services_.log.error("accept failed", {{"cause", connection.error().describe()}});
      return false;
    }
    if (connection.value()) serve(std::move(*connection.value()));
    return true;
  }

  // Serves one connection, if one is waiting.
  bool take_one(std::size_t listener) {
    auto connection = sys::accept_from(*inherited_.listeners[listener]);
    if (!connection || !connection.value()) return false;
    serve(std::move(*connection.value()));
    return true;
  }

  void pause() { static_cast<void>(sys::wait_for({}, sys::Steady::now() + kAcceptPause, true)); }

  void serve(sys::Connection connection) {
    slot_writer_.peer(connection.peer.text);
    sys::set_title("worker, serving " + connection.peer.text);
    enter(State::kGreeting);
    auto port = sys::local_port(connection.socket.get());
    sys::Stream stream(std::move(connection.socket));
    stream.wait_in_reads();
    if (auto client = proxied_peer(services_, stream, connection.peer, slot_writer_)) {
      slot_writer_.peer(client->text);
      if (client->text != connection.peer.text) sys::set_title("worker, serving " + client->text);
      Connection(services_, std::move(stream), std::move(*client), port, slot_writer_).run();
    }
    slot_writer_.count(Counter::kSessions);
    slot_writer_.peer({});
    slot_writer_.message({});
    sys::set_title("worker, idle");
    enter(State::kIdle);
  }

  // Notifies the master when this worker first becomes ready, and when few workers are idle, so
  // that the master need not wait for its next tick.
  void enter(State state) {
    bool first = slot_writer_.enter(state) == State::kStarting;
    if (first || (board::is_busy(state) && idle_are_few())) {
      sys::put(inherited_.wakeup, "!");  // if the pipe is full, the master is notified anyway
    }
  }

  // Called for each connection, so in the usual case, false, it reads little of the scoreboard.
  bool idle_are_few() const {
    const auto& board = inherited_.board;
    auto wanted = services_.config.workers.min_idle;
    for (std::size_t i = 0; i < board.used() && wanted > 0; ++i) {
      const auto& slot = board.slot(i);
      if (slot.state == State::kIdle && !slot.reserved) --wanted;
    }
    return wanted > 0;
  }

  // If nothing is at spool.path, no new worker could start: this one stays, and its sessions say
  // so.
  void look_at_spool() {
    auto now = sys::Steady::now();
    if (now - looked_ < kLookEvery) return;
    looked_ = now;
    static_cast<void>(services_.spool->check_folders().ok());
  }

  bool is_worn_out() const {
    if (services_.spool->gone() || services_.is_broken()) return true;
    auto limit = services_.config.workers.max_transactions;
    return limit > 0 && slot_writer_.counted(Counter::kTransactions) >= limit;
  }

  const Inheritance& inherited_;
  Services& services_;
  Arrivals arrivals_;
  board::SlotWriter slot_writer_;
  sys::Steady::time_point looked_ = sys::Steady::now();  // at the spool
};

// The process accepts connections on the listeners, which it did not bind itself.
sys::Needs with_sockets(sys::Needs needs, const Inheritance& inherited) {
  for (const auto* listener : inherited.listeners) {
    auto at = sys::listening_at(listener->get());
    (at && at->is_unix ? needs.unix_sockets : needs.inet_sockets) = true;
  }
  return needs;
}

int report(const sys::Log& log, const char* what, const Error& error, int exit_code) {
  log.error(what, {{"cause", error.describe()}});
  return exit_code;
}

}  // namespace

Status drop_privileges(const conf::Config& config) {
  if (config.user.empty()) {
    if (!sys::is_root()) return {};
    return explained(EPERM, "root does not deliver mail: set user = NAME in the configuration");
  }
  auto account = config.account();
  if (!account) return account.error();
  if (account.value().uid == 0) return config.locate("user", explained(EPERM, "must not be root"));
  return sys::become(account.value());
}

int run(const conf::Config& config, const sys::Log& log, const Assets& assets,
        const Inheritance& inherited, const std::function<void()>& on_ready) {
  sys::set_title("worker, starting");
  sys::catch_stop_signal();
  if (auto kept = inherited.board.keep_own(inherited.own_slot); !kept) {
    return report(log, "cannot begin", kept.error(), EX_OSERR);
  }
  auto kept = inherited.listeners;
  kept.insert(kept.end(), {&inherited.life, &inherited.wakeup});
  auto& companions = inherited.companions;
  for (const auto* fd : companions.sockets()) {
    if (*fd) kept.push_back(fd);
  }
  sys::keep_only(kept);
  board::SlotWriter(inherited.board, inherited.own_slot).enter(State::kStarting);
  if (auto dropped = drop_privileges(config); !dropped) {
    return report(log, "cannot drop privileges", dropped.error(), EX_CONFIG);
  }
  // Workers of a killed master must close its listeners: otherwise one with a long session would
  // keep the next master from binding the socket.
  sys::on_parent_death(inherited.listeners, inherited.life);
  if (auto started = start_launcher(config); !started) {
    return report(log, "cannot begin", started.error(), EX_OSERR);
  }
  sys::Files files;
  bool has_delivery = static_cast<bool>(companions.delivery);
  auto services = Services::open(config, log, files, assets, std::move(companions));
  if (!services) {
    bool in_use = services.error().reason == Reason::kSpoolInUse;
    return report(log, "cannot begin", services.error(), in_use ? EX_CONFIG : EX_TEMPFAIL);
  }
  auto arrivals = sys::Arrivals::watch(inherited.listeners, inherited.life);
  if (!arrivals) return report(log, "cannot wait for connections", arrivals.error(), EX_OSERR);
  if (auto& pool = services.value()->pool) {
    pool->record_in(inherited.board.backends(inherited.own_slot));
  }
  Worker worker(inherited, *services.value(), std::move(arrivals).value());
  // Before any message is accepted: files left by a crash show which messages may be sent again.
  worker.slot_writer().count(Counter::kSwept, services.value()->sweep());
  on_ready();
  auto needs =
      with_sockets(needs_of(config, has_delivery, services.value()->pool.has_value()), inherited);
  if (auto done = sys::confine("worker", needs, inherited.listeners, log); !done) {
    return report(log, "cannot be confined", done.error(), EX_OSERR);
  }
  return worker.run();
}

}  // namespace handoff::worker
