#include "delivery/agent.hh"

#include <sysexits.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
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

namespace handoff::delivery {
namespace {

using namespace std::chrono_literals;

// A worker takes its answers at once, or is gone.
constexpr auto kAnswerPatience = 10s;
// A process that was killed, or has done all, ends in this time, unless the kernel holds it: a disk
// that is gone.
constexpr auto kEndPatience = 1s;
// More than a delivery has open at a time.
constexpr std::uint64_t kDescriptors = 64;
// Beside the message a delivery writes a few lines: subscriptions, maildirsize. Octets.
constexpr std::uint64_t kBesideMessage = 2 << 20;

// Homes may be anywhere, and a child becomes the user whose it is.
sys::Needs needs_of(const conf::Config& config) {
  sys::Needs needs;
  needs.any_path = needs.accounts = true;
  needs.receives_files = true;
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
        socket_(socket) {}

  int run() {
    for (;;) {
      auto message = sys::receive_message(socket_, std::nullopt);
      if (!message || !message.value()) return EX_OK;  // the worker is gone
      auto outcome = answer(std::move(*message.value()));
      auto until = sys::Steady::now() + kAnswerPatience;
      if (!sys::send_message(socket_, pack(std::move(outcome)), nullptr, until)) return EX_OK;
      if (auto ended = std::exchange(ended_, std::nullopt)) await(*ended);
    }
  }

 private:
  // A child, and who it has become.
  struct Child {
    pid_t pid;
    uid_t uid;
  };

  // One that the kernel does not let go is left behind.
  void await(const Child& child) {
    if (!sys::ends_by(child.pid, sys::Steady::now() + kEndPatience)) stuck_.push_back(child);
  }

  Outcome answer(sys::Message message) {
    auto request = message.whole ? unpack_request(message.octets) : std::nullopt;
    if (!request || !request->mailbox.owner) {
      log_.warning("request refused", {{"cause", "it is none"}});
      return failed({EBADMSG, "the delivery process refuses: it is no request", {}});
    }
    auto uid = request->mailbox.owner->uid;
    std::erase_if(stuck_,
                  [](const Child& one) { return sys::ends_by(one.pid, sys::Steady::now()); });
    // Whose disk is gone would else have one more process hang with each message.
    for (const auto& one : stuck_) {
      if (one.uid == uid) {
        return failed({ETIMEDOUT, "an earlier delivery as its owner still hangs", {}});
      }
    }
    return in_child(*request, message.descriptor);
  }

  Outcome in_child(const Request& request, const sys::Fd& staged) {
    auto words = sys::message_pair();
    if (!words) return failed(words.error());
    auto& ours = words.value().first;
    auto& theirs = words.value().second;
    auto pid = sys::fork_process([&] {
      ours.reset();
      auto outcome = perform(request, staged);
      auto sent = sys::send_message(theirs, pack(std::move(outcome)), nullptr,
                                    sys::Steady::now() + kAnswerPatience);
      return sent ? EX_OK : EX_SOFTWARE;
    });
    theirs.reset();
    if (!pid) return failed(pid.error());
    auto said = sys::receive_message(ours, sys::Steady::now() + config_.delivery.timeout);
    if (said && said.value() && said.value()->whole) {
      ended_ = Child{pid.value(), request.mailbox.owner->uid};
      // It was the owner's process by then, and may say anything.
      if (auto outcome = unpack_outcome(said.value()->octets)) {
        if (outcome->error && outcome->error->code == EPERM) refused(request, *outcome->error);
        return std::move(*outcome);
      }
    }
    bool late = !said && said.error().code == ETIMEDOUT;
    sys::send_signal(pid.value(), SIGKILL);
    ended_.reset();
    await({pid.value(), request.mailbox.owner->uid});
    log_.error(late ? "delivery killed: it took too long" : "delivery process died",
               {{"mailbox", request.mailbox.name()},
                {"uid", request.mailbox.owner->uid},
                {"stuck", stuck_.size()}});
    auto why = late ? Error{ETIMEDOUT, "no end within delivery.timeout", {}}
                    : Error{EIO, "the process that was to deliver died", {}};
    return failed(std::move(why), request.verb == Verb::kDeliver);
  }

  // In the child: as root until it is sure whose child it is to be.
  Outcome perform(const Request& request, const sys::Fd& staged) {
    auto spool = files_.open_root(config_.spool.path);
    if (!spool) return failed(spool.error());
    if (auto allowed = authority_.allows(request, spool.value(), staged); !allowed) {
      return failed(allowed.error());
    }
    sys::limit_resources(request.size + request.personal.size() + kBesideMessage, kDescriptors);
    if (request.verb == Verb::kDeliver) {
      auto made = make_place(files_, spool.value(), request.mailbox, worker_);
      if (!made) return failed(made.error());
    }
    const auto& owner = *request.mailbox.owner;
    if (auto became = sys::become_owner(owner.uid, owner.gid); !became) {
      return failed(became.error());
    }
    return as_owner(config_, log_, files_, spool.value(), request, staged);
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
  std::vector<Child> stuck_;
  std::optional<Child> ended_;  // has said all and is about to end
};

}  // namespace

bool is_needed(const conf::Config& config) { return sys::is_root() && config.may_have_owners(); }

int serve(const conf::Config& config, const sys::Log& log, const recipients::Tables& tables,
          const sys::Fd& socket) {
  sys::keep_only(std::array{&socket});
  sys::ignore_group_signals();
  sys::close_to_others();
  auto worker = sys::find_account(config.user, config.group);
  if (!worker) {
    log.error("no delivery process", {{"cause", worker.error().describe()}});
    return EX_CONFIG;
  }
  sys::PosixFiles files;
  auto authority = Authority::make(config, files, tables, worker.value().uid);
  if (!authority) {
    log.error("no delivery process", {{"cause", authority.error().describe()}});
    return EX_CONFIG;
  }
  if (auto done = sys::confine(needs_of(config), {}, log); !done) {
    log.error("no delivery process", {{"cause", done.error().describe()}});
    return EX_OSERR;
  }
  return Agent(config, log, files, *authority.value(), worker.value(), socket).run();
}

Result<sys::Fd> start(const conf::Config& config, const sys::Log& log,
                      const recipients::Tables& tables, const std::function<void()>& first) {
  auto pair = sys::message_pair();
  if (!pair) return pair.error();
  auto started = sys::fork_process([&] {
    pair.value().first.reset();
    if (first) first();
    return serve(config, log, tables, pair.value().second);
  });
  if (!started) return started.error();
  return std::move(pair.value().first);
}

}  // namespace handoff::delivery
