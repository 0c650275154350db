#include "master/status_process.hh"

#include <sysexits.h>

#include <array>
#include <utility>

#include "sys/confinement.hh"
#include "sys/fd.hh"
#include "sys/sandbox.hh"
#include "sys/sockets.hh"
#include "sys/title.hh"
#include "worker/worker.hh"

namespace handoff::master {
namespace {

using std::chrono::milliseconds;

constexpr int kControlBacklog = 64;
constexpr std::uint32_t kControlMode = 0600;
constexpr milliseconds kRestartDelay{1000};
// The time between two requests: however often the process asks, the master makes at most 50
// snapshots per second for it.
constexpr milliseconds kPause{20};

}  // namespace

void StatusProcess::open(Listener listener) {
  listener_ = std::move(listener);
  start();
}

void StatusProcess::restart() {
  disconnect();
  start();
}

void StatusProcess::start() {
  // A copy for the child, because the master's own is closed there.
  auto listener = sys::duplicate(listener_.fds.front());
  auto pair = sys::connected_pair();
  if (!listener || !pair) return start_later();
  auto started = children_.start(
      [&] {
        pair.value().first.reset();
        return main_(listener, pair.value().second);
      },
      [this, number = ++number_](int) {
        if (number != number_ || !channel_) return;
        disconnect();
        start_later();
      });
  if (!started) return start_later();
  channel_ = std::move(pair.value().first);
  paused_ = false;
  resume();
}

void StatusProcess::start_later() {
  loop_.after(kRestartDelay, [this] {
    if (is_open() && !channel_) start();
  });
}

void StatusProcess::disconnect() {
  reading_.reset();
  writing_.reset();
  channel_.reset();
  asked_.clear();
  out_.clear();
}

// Reads nothing more until the process has read the previous answer, which limits the memory for
// answers.
void StatusProcess::resume() {
  if (!channel_ || reading_ || paused_ || !out_.empty()) return;
  reading_ = loop_.watch(channel_.get(), EventLoop::For::kReading, [this] { read_requests(); });
}

void StatusProcess::read_requests() {
  reading_.reset();
  auto octet = sys::take(channel_, 1);
  if (!octet) {
    disconnect();
    return start_later();
  }
  paused_ = true;
  loop_.after(kPause, [this] {
    paused_ = false;
    resume();
  });
  if (octet->empty() || allowed_.find(*octet) == allowed_.npos) return;
  if (asked_.find(*octet) != asked_.npos) return;
  asked_ += *octet;
  serve_(static_cast<Ask>(octet->front()));
}

void StatusProcess::answer(Ask to, bool ok, std::string_view text) {
  auto asked = asked_.find(static_cast<char>(to));
  if (asked == asked_.npos) return;
  asked_.erase(asked, 1);
  out_ += status::pack({to, ok, std::string(text)});
  flush(false);
}

// `writable`: the channel has room, or is broken.
void StatusProcess::flush(bool writable) {
  auto written = sys::put(channel_, out_);
  out_.erase(0, written);
  if (out_.empty()) {
    writing_.reset();
    resume();
  } else if (writable && written == 0) {
    disconnect();
    start_later();
  } else if (!writing_) {
    writing_ = loop_.watch(channel_.get(), EventLoop::For::kWriting, [this] { flush(true); });
  }
}

void StatusProcess::close() {
  disconnect();
  if (listener_.file) listener_.file->remove();
  listener_ = {};
}

void StatusProcess::close_in_child() {
  disconnect();
  listener_.fds.clear();
}

int run_status(const conf::Config& config, const sys::Log& log, const status::Options& options,
               const sys::Fd& listener, const sys::Fd& channel) {
  auto cannot = [&](const Error& error, int exit_code) {
    log.error("no status process", {{"cause", error.describe()}});
    return exit_code;
  };
  sys::set_title(options.commands ? "status, control socket" : "status, http");
  sys::ignore_group_signals();
  sys::keep_only(std::array{&listener, &channel});
  if (auto dropped = worker::drop_privileges(config); !dropped) {
    return cannot(dropped.error(), EX_CONFIG);
  }
  sys::hide_memory();
  sys::Needs needs;
  auto at = sys::listening_at(listener.get());
  (at && at->is_unix ? needs.unix_sockets : needs.inet_sockets) = true;
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  if (auto done = sys::confine("status", needs, std::array{&listener}, log); !done) {
    return cannot(done.error(), EX_OSERR);
  }
  return status::serve(options, listener, channel);
}

Result<Listener> control_listener(const conf::Config& config, sys::Fd given) {
  Endpoint endpoint;
  endpoint.path = config.control_socket;
  Listener out{endpoint, {}, std::nullopt};
  if (given && sys::listening_at(given.get()) == endpoint) {
    out.fds.push_back(std::move(given));
  } else {
    // The permissions of this socket differ from those of the LMTP sockets.
    sys::SocketRights rights;
    rights.mode = kControlMode;
    auto fds = sys::listen_on(endpoint, kControlBacklog, rights);
    if (!fds) return fds.error();
    out.fds = std::move(fds).value();
  }
  out.file.emplace(endpoint.path);
  return out;
}

Result<Listener> http_listener(const conf::Config& config, sys::Fd given) {
  if (!given) return open_listener(*config.http.listen, config);
  Listener out{*config.http.listen, {}, std::nullopt};
  out.fds.push_back(std::move(given));
  return out;
}

}  // namespace handoff::master
