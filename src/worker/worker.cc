#include "worker/worker.hh"

#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "board/scribe.hh"
#include "sys/account.hh"
#include "sys/arrivals.hh"
#include "sys/files.hh"
#include "sys/pipe.hh"
#include "sys/signals.hh"
#include "sys/sockets.hh"
#include "sys/stream.hh"
#include "worker/needs.hh"
#include "worker/pump.hh"
#include "worker/services.hh"

namespace handoff::worker {
namespace {

using board::Counter;
using board::State;
using sys::Arrivals;

// After a failure to accept that the next try would meet again (no descriptors, no memory).
constexpr std::chrono::milliseconds kAcceptPause{100};

class Worker {
 public:
  Worker(const board::Inheritance& inherited, Services& services, Arrivals arrivals)
      : inherited_(inherited),
        services_(services),
        arrivals_(std::move(arrivals)),
        scribe_(inherited.board.slot(inherited.own_slot), inherited.board) {}

  int run() {
    enter(State::kIdle);
    if (inherited_.until_empty) {
      empty_backlog();
      return EX_OK;
    }
    while (!is_worn_out()) {
      auto event = arrivals_.wait();
      switch (event.what) {
        case Arrivals::What::kConnection:
          if (!accept(event.listener)) pause();
          if (sys::stop_requested()) return leave();
          break;
        case Arrivals::What::kStop:
          return leave();
        case Arrivals::What::kParentGone:
          return EX_OK;
      }
    }
    return EX_OK;
  }

  board::Scribe& scribe() { return scribe_; }

 private:
  // What to do about connections that wait when a stop is requested.
  int leave() {
    if (inherited_.board.closing()) {
      empty_backlog();  // each is told 421: better than a reset
      return EX_OK;
    }
    // Others go on. But one that came in the moment of the stop has woken nobody but us; where we
    // only retire it gets its first transaction (Pump).
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

  // False after a failure that would come again.
  bool accept(std::size_t listener) {
    auto connection = sys::accept_from(*inherited_.listeners[listener]);
    if (!connection) {
      services_.log.error("accept failed", {{"cause", connection.error().describe()}});
      return false;
    }
    if (connection.value()) serve(std::move(*connection.value()));
    return true;
  }

  // Serves one connection, if one waits.
  bool take_one(std::size_t listener) {
    auto connection = sys::accept_from(*inherited_.listeners[listener]);
    if (!connection || !connection.value()) return false;
    serve(std::move(*connection.value()));
    return true;
  }

  void pause() { static_cast<void>(sys::wait_for({}, sys::Steady::now() + kAcceptPause, true)); }

  void serve(sys::Connection connection) {
    scribe_.peer(connection.peer.text);
    enter(State::kGreeting);
    auto port = sys::local_port(connection.socket.get());
    sys::Stream stream(std::move(connection.socket));
    stream.wait_in_reads();
    Pump(services_, std::move(stream), std::move(connection.peer), port, scribe_).run();
    scribe_.count(Counter::kSessions);
    scribe_.peer({});
    scribe_.message({});
    enter(State::kIdle);
  }

  // The master is told of a first readiness, and when idle workers become few: it should not find
  // out by the clock.
  void enter(State state) {
    bool first = scribe_.enter(state) == State::kStarting;
    if (first || (board::is_busy(state) && idle_are_few())) {
      sys::put(inherited_.bell, "!");  // a full pipe will ring all the same
    }
  }

  // Asked with each connection: no more of the board is read than it takes to say no.
  bool idle_are_few() const {
    auto wanted = services_.config.workers.min_idle;
    for (const auto& slot : inherited_.board.slots()) {
      if (wanted == 0) break;
      if (slot.state == State::kIdle) --wanted;
    }
    return wanted > 0;
  }

  bool is_worn_out() const {
    if (services_.mailboxes.is_broken()) return true;
    auto limit = services_.config.workers.max_transactions;
    return limit > 0 && scribe_.counted(Counter::kTransactions) >= limit;
  }

  const board::Inheritance& inherited_;
  Services& services_;
  Arrivals arrivals_;
  board::Scribe scribe_;
};

// Sessions come in by the listeners, whoever bound them.
sys::Needs with_sockets(sys::Needs needs, const board::Inheritance& inherited) {
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
    return Error{EPERM, "root does not deliver mail: set user = NAME in the configuration", {}};
  }
  auto account = sys::find_account(config.user, config.group);
  if (!account) return account.error();
  if (account.value().uid == 0) return Error{EPERM, "user must not be root", config.user};
  return sys::become(account.value());
}

int run(const conf::Config& config, const sys::Log& log, const Assets& assets,
        const board::Inheritance& inherited, const std::function<void()>& on_ready) {
  sys::catch_stop_signal();
  board::Scribe(inherited.board.slot(inherited.own_slot), inherited.board).enter(State::kStarting);
  if (auto dropped = drop_privileges(config); !dropped) {
    return report(log, "cannot drop privileges", dropped.error(), EX_CONFIG);
  }
  // A killed master closes no listener in its workers: one that a session keeps busy would hold the
  // socket against the next master.
  sys::on_parent_death(inherited.listeners, inherited.life);
  sys::PosixFiles files;
  auto services =
      Services::open(config, log, files, assets,
                     inherited.delivery != nullptr ? std::move(*inherited.delivery) : sys::Fd());
  if (!services) return report(log, "cannot begin", services.error(), EX_TEMPFAIL);
  auto arrivals = sys::Arrivals::watch(inherited.listeners, inherited.life);
  if (!arrivals) return report(log, "cannot wait for connections", arrivals.error(), EX_OSERR);
  Worker worker(inherited, *services.value(), std::move(arrivals).value());
  // Before anything is taken: what a crash left tells which messages may come again.
  worker.scribe().count(Counter::kSwept, services.value()->sweep());
  on_ready();
  auto needs = with_sockets(needs_of(config, inherited.delivery != nullptr), inherited);
  if (auto done = sys::confine(needs, inherited.listeners, log); !done) {
    return report(log, "cannot be confined", done.error(), EX_OSERR);
  }
  return worker.run();
}

}  // namespace handoff::worker
