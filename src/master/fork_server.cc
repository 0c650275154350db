#include "master/fork_server.hh"

#include <sysexits.h>

#include <string>
#include <utility>
#include <vector>

#include "base/netstring.hh"
#include "base/text.hh"
#include "sys/clock.hh"
#include "sys/confinement.hh"
#include "sys/daemon.hh"
#include "sys/message_socket.hh"
#include "sys/process.hh"
#include "sys/title.hh"

namespace handoff::master {
namespace {

using std::chrono::seconds;

// How long the master waits for a worker to be forked. The first one has to wait until the program
// was executed and has read certificate and key.
constexpr seconds kForkPatience{30};
// The master sends the descriptors of a request at once.
constexpr seconds kDescriptorPatience{10};
constexpr std::string_view kWorker = "worker";
constexpr std::string_view kDetach = "detach";

// A request for a worker, with the descriptors that follow it, each in a message of its own.
struct Request {
  std::size_t slot = 0;
  bool until_empty = false;
  bool echo_errors = false;
  std::vector<sys::Fd> listeners;
  worker::Companions companions;
};

Status send_request(const sys::Fd& to, const worker::Inheritance& inherited, bool echo_errors) {
  auto until = sys::Steady::now() + kDescriptorPatience;
  std::vector<const sys::Fd*> descriptors = inherited.listeners;
  std::string text;
  add_netstring(text, kWorker);
  for (std::size_t number : {inherited.own_slot, std::size_t{inherited.until_empty},
                             std::size_t{echo_errors}, inherited.listeners.size()}) {
    add_netstring(text, std::to_string(number));
  }
  for (const auto* socket : inherited.companions.sockets()) {
    add_netstring(text, *socket ? "1" : "0");
    if (*socket) descriptors.push_back(socket);
  }
  auto sent = sys::send_message(to, text, nullptr, until);
  for (const auto* descriptor : descriptors) {
    if (sent) sent = sys::send_message(to, "d", descriptor, until);
  }
  return sent;
}

// Reads the rest of a request whose first message is `parts`.
Result<Request> receive_request(const sys::Fd& from, Netstrings& parts) {
  const Error incomplete = explained(EPROTO, "the request from the master is incomplete");
  auto number = [&] { return static_cast<std::size_t>(parse_number(parts.next()).value_or(0)); };
  auto until = sys::Steady::now() + kDescriptorPatience;
  auto descriptor = [&](sys::Fd& to) {
    auto received = sys::receive_descriptor(from, until);
    if (received) to = *std::move(received);
    return received.has_value();
  };
  Request out;
  out.slot = number();
  out.until_empty = number() != 0;
  out.echo_errors = number() != 0;
  auto listeners = number();
  std::vector<sys::Fd*> present;
  for (auto* socket : out.companions.sockets()) {
    if (number() != 0) present.push_back(socket);
  }
  if (!parts.good()) return incomplete;
  for (; listeners > 0; --listeners) {
    if (!descriptor(out.listeners.emplace_back())) return incomplete;
  }
  for (auto* socket : present) {
    if (!descriptor(*socket)) return incomplete;
  }
  return out;
}

}  // namespace

Status ForkServer::start(unsigned generation) {
  auto pair = sys::message_pair();
  if (!pair) return pair.error();
  auto number = ++number_;
  auto pid = children_.start(
      [&] {
        pair.value().first.reset();
        return main_(pair.value().second);
      },
      [this, number, generation](int status) {
        --running_;
        if (number == number_ && channel_) retire();
        died_(generation, status);
      });
  if (!pid) return pid.error();
  ++running_;
  channel_ = std::move(pair.value().first);
  generation_ = generation;
  return {};
}

Result<pid_t> ForkServer::start_worker(unsigned generation, const worker::Inheritance& inherited,
                                       bool echo_errors) {
  if (!channel_ || generation_ != generation) {
    retire();
    if (auto started = start(generation); !started) return started.error();
  }
  // Only while the process that forks the worker ends: other processes whose parent ends are none
  // of the master's.
  auto adopting = sys::adopt_orphans(true);
  auto done = adopting ? send_request(channel_, inherited, echo_errors) : adopting;
  std::optional<std::uint64_t> pid;
  if (done) {
    auto answer = sys::receive_message(channel_, sys::Steady::now() + kForkPatience);
    if (answer && answer.value()) pid = parse_number(answer.value()->octets);
    if (!answer) done = answer.error();
  }
  static_cast<void>(sys::adopt_orphans(false).ok());
  if (pid) return static_cast<pid_t>(*pid);
  // Whatever is wrong with it, the next worker gets another one.
  retire();
  return done ? explained(ECHILD, "the fork server could not fork it") : done.error();
}

void ForkServer::detach() {
  if (!channel_) return;
  std::string text;
  add_netstring(text, kDetach);
  static_cast<void>(sys::send_message(channel_, text, nullptr, {}).ok());
}

int serve_forks(const conf::Config& config, sys::Log& log, const worker::Assets& assets,
                const Origin& origin, const sys::Fd& channel, const Terminal& terminal) {
  sys::set_title("fork server");
  sys::ignore_group_signals();
  auto cannot = [&](const Error& error, int exit_code) {
    log.error("no fork server", {{"cause", error.describe()}});
    return exit_code;
  };
  if (terminal.detach && !terminal.echo_errors) sys::close_standard_descriptors();
  if (auto dropped = worker::drop_privileges(config); !dropped) {
    return cannot(dropped.error(), EX_CONFIG);
  }
  sys::hide_memory();
  auto run = [&](Request& request) {
    log.echo_errors(request.echo_errors);
    std::vector<const sys::Fd*> listeners;
    for (const auto& listener : request.listeners) listeners.push_back(&listener);
    return worker::run(config, log, assets,
                       {listeners, origin.board, request.slot, origin.life, origin.wakeup,
                        request.companions, request.until_empty},
                       [&] {
                         log.echo_errors(false);
                         if (terminal.detach) sys::close_standard_descriptors();
                       });
  };
  for (;;) {
    auto message = sys::receive_message(channel, std::nullopt);
    if (!message) return cannot(message.error(), EX_OSERR);
    if (!message.value()) return EX_OK;
    Netstrings parts(message.value()->octets);
    if (parts.next() == kDetach) {
      sys::close_standard_descriptors();
      continue;
    }
    auto request = receive_request(channel, parts);
    if (!request) return cannot(request.error(), EX_PROTOCOL);
    auto pid = sys::fork_for_ancestor([&] { return run(request.value()); });
    if (!pid) return cannot(pid.error(), EX_OSERR);
    auto sent = sys::send_message(channel, std::to_string(pid.value()), nullptr,
                                  sys::Steady::now() + kForkPatience);
    if (!sent) return cannot(sent.error(), EX_OSERR);
  }
}

}  // namespace handoff::master
