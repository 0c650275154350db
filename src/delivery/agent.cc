#include "delivery/agent.hh"

#include <sysexits.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery/as_owner.hh"
#include "delivery/authority.hh"
#include "delivery/place.hh"
#include "delivery/request.hh"
#include "sys/account.hh"
#include "sys/confinement.hh"
#include "sys/files.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/sandbox.hh"
#include "sys/title.hh"

namespace handoff::delivery {
namespace {

using namespace std::chrono_literals;

// A worker that has not read its answer after this time is considered dead.
constexpr auto kSendTimeout = 10s;
// A process that was killed or has answered ends within this time, unless it hangs in the kernel
// because of a dead disk.
constexpr auto kEndTimeout = 1s;
// More descriptors than any delivery has open.
constexpr std::uint64_t kMaxDescriptors = 64;
// More copies than the script of one recipient stores (sieve.max-actions).
constexpr std::size_t kMostWritten = 2000;
// Octets that a delivery may write in addition to the message: subscriptions, maildirsize.
constexpr std::uint64_t kMaxBesideMessage = 2 << 20;

// Home directories may be anywhere, and a child becomes their owner.
sys::Needs needs_of(const conf::Config& config) {
  sys::Needs needs;
  needs.any_path = needs.accounts = true;
  needs.receives_files = true;
  needs.sends_files = config.sieve.enabled;
  needs.processes = needs.other_users = needs.gives_away = true;
  if (!config.spool.create_command.empty()) {
    needs.programs.push_back(config.spool.create_command.front());
  }
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  return needs;
}

class Agent {
 public:
  Agent(const conf::Config& config, const sys::Log& log, sys::Files& files,
        const Authority& authority, const sys::Account& worker, const sys::Fd& socket)
      : config_(config),
        log_(log),
        files_(files),
        authority_(authority),
        worker_(worker),
        socket_(socket) {
    if (auto spool = files_.open_root(config_.spool.path)) {
      shared_ = files_.is_shared(spool.value());
    }
  }

  int run() {
    for (;;) {
      auto message = sys::receive_message(socket_, std::nullopt);
      if (!message || !message.value()) return EX_OK;  // the worker has ended
      if (!send(socket_, answer(std::move(*message.value())))) return EX_OK;
      if (auto ended = std::exchange(ended_, std::nullopt)) await(*ended);
    }
  }

 private:
  static Status send(const sys::Fd& to, Outcome outcome) {
    auto script = outcome.script;
    auto until = sys::Steady::now() + kSendTimeout;
    return sys::send_message(to, pack(std::move(outcome)), script ? script.get() : nullptr, until);
  }

  // A child, and the user that it became.
  struct Child {
    pid_t pid;
    uid_t uid;
  };

  // A copy that a child has written.
  struct Written {
    uid_t uid;
    std::string place;
    std::string file;

    bool operator==(const Written&) const = default;
  };

  // A child that does not end even when killed is remembered.
  void await(const Child& child) {
    if (!sys::ends_by(child.pid, sys::Steady::now() + kEndTimeout)) stuck_.push_back(child);
  }

  Outcome answer(sys::Message message) {
    auto request = message.whole ? unpack_request(message.octets) : std::nullopt;
    if (!request || !request->mailbox.owner) {
      log_.warning("request refused", {{"cause", "malformed"}});
      return failed(explained(EBADMSG, "the delivery process rejects a malformed request"));
    }
    auto uid = request->mailbox.owner->uid;
    std::erase_if(stuck_,
                  [](const Child& child) { return sys::ends_by(child.pid, sys::Steady::now()); });
    // Otherwise each message to a user whose disk is dead would leave another hanging process.
    if (std::ranges::find(stuck_, uid, &Child::uid) != stuck_.end()) {
      return failed(explained(ETIMEDOUT, "an earlier delivery as its owner has not ended"));
    }
    // Otherwise an attacker who controls the worker could remove any message in a mailbox.
    Written file{uid, request->mailbox.place(), request->file};
    if (request->verb == Verb::kRemove && std::ranges::find(written_, file) == written_.end()) {
      auto error = explained(EPERM, "not a file that this worker has delivered");
      refused(*request, error);
      return failed(error);
    }
    auto outcome = in_child(*request, message.descriptor);
    if (request->verb == Verb::kDeliver && !outcome.error && config_.sieve.enabled) {
      file.file = outcome.delivered.file;
      written_.push_back(std::move(file));
      if (written_.size() > kMostWritten) written_.pop_front();
    }
    return outcome;
  }

  Outcome in_child(const Request& request, const sys::Fd& staged) {
    auto pair = sys::message_pair();
    if (!pair) return failed(pair.error());
    auto& ours = pair.value().first;
    auto& theirs = pair.value().second;
    auto pid = sys::fork_process([&] {
      ours.reset();
      sys::set_title("delivery, as uid " + std::to_string(request.mailbox.owner->uid));
      return send(theirs, perform(request, staged)) ? EX_OK : EX_SOFTWARE;
    });
    theirs.reset();
    if (!pid) return failed(pid.error());
    auto answer = sys::receive_message(ours, sys::Steady::now() + config_.delivery.timeout);
    if (answer && answer.value() && answer.value()->whole) {
      ended_ = Child{pid.value(), request.mailbox.owner->uid};
      // By the time it answered, the process ran as the owner, so its answer is not trusted.
      if (auto outcome = unpack_outcome(answer.value()->octets)) {
        if (auto& file = answer.value()->descriptor; file && request.verb == Verb::kOpenScript)
          outcome->script = std::make_shared<sys::Fd>(std::move(file));
        if (outcome->error && outcome->error->code == EPERM) refused(request, *outcome->error);
        return std::move(*outcome);
      }
    }
    bool late = !answer && answer.error().code == ETIMEDOUT;
    sys::send_signal(pid.value(), SIGKILL);
    ended_.reset();
    await({pid.value(), request.mailbox.owner->uid});
    log_.error(late ? "delivery killed: it took too long" : "delivery process died",
               {{"mailbox", request.mailbox.name()},
                {"uid", request.mailbox.owner->uid},
                {"stuck", stuck_.size()}});
    auto why = late ? explained(ETIMEDOUT, "not finished within delivery.timeout")
                    : explained(EIO, "the delivering process died");
    return failed(std::move(why), request.verb == Verb::kDeliver);
  }

  // Runs in the child: as root until the request is allowed, then as the owner.
  Outcome perform(const Request& request, const sys::Fd& staged) {
    auto spool = files_.open_root(config_.spool.path);
    if (!spool) return failed(spool.error());
    if (auto allowed = authority_.allows(request, spool.value(), staged); !allowed) {
      return failed(allowed.error());
    }
    sys::limit_resources(request.size + request.personal.size() + kMaxBesideMessage,
                         kMaxDescriptors);
    if (request.verb == Verb::kDeliver) {
      auto made = make_place(files_, spool.value(), request.mailbox, worker_);
      if (!made) return failed(made.error());
    }
    const auto& owner = *request.mailbox.owner;
    if (auto became = sys::become_owner(owner.uid, owner.gid); !became) {
      return failed(became.error());
    }
    return as_owner(config_, log_, files_, spool.value(), shared_, request, staged);
  }

  void refused(const Request& request, const Error& error) {
    log_.warning("delivery refused", {{"mailbox", request.mailbox.name()},
                                      {"to", request.mailbox.address},
                                      {"uid", request.mailbox.owner->uid},
                                      {"cause", error.describe()}});
  }

  const conf::Config& config_;
  const sys::Log& log_;
  sys::Files& files_;
  const Authority& authority_;
  const sys::Account& worker_;
  const sys::Fd& socket_;
  // Whether other hosts may use the spool's filesystem. If another one is mounted here, the worker
  // and this process end (Spool::check_place). Nothing: the spool was missing at the start.
  std::optional<bool> shared_;
  std::vector<Child> stuck_;
  std::optional<Child> ended_;   // has answered and is about to end
  std::deque<Written> written_;  // the latest ones, if sieve.enabled: only these may be removed
};

}  // namespace

bool is_needed(const conf::Config& config) { return sys::is_root() && config.may_have_owners(); }

int serve(const conf::Config& config, const sys::Log& log, const recipients::Tables& tables,
          const sys::Fd& socket) {
  sys::keep_only(std::array{&socket});
  sys::set_title("delivery");
  sys::ignore_group_signals();
  sys::hide_memory();
  auto worker = config.account();
  if (!worker) {
    log.error("no delivery process", {{"cause", worker.error().describe()}});
    return EX_CONFIG;
  }
  sys::Files files;
  auto authority = Authority::make(config, files, tables, worker.value().uid);
  if (!authority) {
    log.error("no delivery process", {{"cause", authority.error().describe()}});
    return EX_CONFIG;
  }
  if (auto done = sys::confine("delivery", needs_of(config), {}, log); !done) {
    log.error("no delivery process", {{"cause", done.error().describe()}});
    return EX_OSERR;
  }
  return Agent(config, log, files, *authority.value(), worker.value(), socket).run();
}

Result<sys::Fd> start(const conf::Config& config, const sys::Log& log,
                      const recipients::Tables& tables, const std::function<void()>& first) {
  return sys::fork_server([&](const sys::Fd& socket) {
    if (first) first();
    return serve(config, log, tables, socket);
  });
}

}  // namespace handoff::delivery
