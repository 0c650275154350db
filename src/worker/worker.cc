#include "worker/worker.hh"

#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "sys/account.hh"
#include "sys/files.hh"
#include "sys/signals.hh"
#include "sys/stream.hh"
#include "worker/pump.hh"
#include "worker/services.hh"

namespace handoff::worker {
namespace {

using board::State;

// No deadline: a worker may be idle for good.
constexpr sys::Deadline kNever = sys::Deadline::max();
// After a failure to accept that the next try would meet again (no descriptors, no memory).
constexpr std::chrono::milliseconds kAcceptPause{100};

class Worker {
 public:
  Worker(const board::Inheritance& inherited, Services& services)
      : inherited_(inherited), services_(services), slot_(inherited.slots[inherited.own_slot]) {
    for (const auto& listener : inherited.listeners) fds_.push_back({listener.get(), POLLIN, 0});
    fds_.push_back({inherited.life.get(), POLLIN, 0});
  }

  int run() {
    enter(State::kIdle);
    while (wait_for_connection()) {
      for (std::size_t i = 0; i < inherited_.listeners.size(); ++i) {
        if (fds_[i].revents != 0) accept(inherited_.listeners[i]);
        if (sys::stop_requested() || is_worn_out()) return EX_OK;
      }
    }
    return EX_OK;
  }

 private:
  // False when it is time to go.
  bool wait_for_connection() {
    if (sys::wait_for(fds_, kNever, true) == sys::Waited::kStop) return false;
    return fds_.back().revents == 0;
  }

  void accept(const sys::Fd& listener) {
    auto connection = sys::accept_from(listener);
    if (!connection) {
      services_.log.error("accept failed", {{"cause", connection.error().describe()}});
      static_cast<void>(sys::wait_for({}, sys::Steady::now() + kAcceptPause, true));
      return;
    }
    if (!connection.value()) return;
    enter(State::kBusy);
    auto& [socket, peer] = *connection.value();
    auto port = sys::local_port(socket.get());
    Pump(services_, sys::Stream(std::move(socket)), std::move(peer), port).run(slot_.transactions);
    slot_.sessions.fetch_add(1, std::memory_order_relaxed);
    enter(State::kIdle);
  }

  // The master is told of a first readiness, and when idle workers become few: it should not find
  // out by the clock.
  void enter(State state) {
    bool first = slot_.state.exchange(state) == State::kStarting;
    auto idle = std::ranges::count_if(inherited_.slots,
                                      [](const auto& slot) { return slot.state == State::kIdle; });
    bool few = state == State::kBusy && idle < static_cast<long>(services_.config.workers.min_idle);
    if (first || few) {
      // A full pipe will ring all the same.
      [[maybe_unused]] auto ignored = ::write(inherited_.bell.get(), "", 1);
    }
  }

  bool is_worn_out() const {
    auto limit = services_.config.workers.max_transactions;
    return limit > 0 && slot_.transactions >= limit;
  }

  const board::Inheritance& inherited_;
  Services& services_;
  board::Slot& slot_;
  std::vector<pollfd> fds_;
};

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

int run(const conf::Config& config, const sys::Log& log, const Tls& tls,
        const board::Inheritance& inherited, const std::function<void()>& on_ready) {
  sys::catch_stop_signal();
  if (auto dropped = drop_privileges(config); !dropped) {
    return report(log, "cannot drop privileges", dropped.error(), EX_CONFIG);
  }
  // A killed master closes no listener in its workers: one that a session keeps busy would hold the
  // socket against the next master. Idle workers see the end of inherited.life.
  sys::stop_with_parent();
  sys::PosixFiles files;
  auto services = Services::open(config, log, files, tls);
  if (!services) return report(log, "cannot begin", services.error(), EX_TEMPFAIL);
  // Before anything is taken: what a crash left tells which messages may come again.
  services.value()->sweep();
  on_ready();
  return Worker(inherited, *services.value()).run();
}

}  // namespace handoff::worker
