#include "worker/sender.hh"

#include <sysexits.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/text.hh"
#include "spool/name.hh"
#include "spool/newline.hh"
#include "sys/clock.hh"
#include "sys/command.hh"
#include "sys/confinement.hh"
#include "sys/launcher.hh"
#include "sys/sandbox.hh"
#include "sys/signals.hh"
#include "sys/stream.hh"
#include "sys/title.hh"
#include "worker/services.hh"
#include "worker/worker.hh"

namespace handoff::worker {
namespace {

using board::Counter;

// How often the queue is read. While it is empty, that is one system call or two.
constexpr std::chrono::seconds kLookForMail{1};
// A queue manager gives up after five days as well (RFC 5321 4.5.4.1).
constexpr std::chrono::hours kGiveUp{5 * 24};
constexpr std::size_t kPiece = 64 << 10;  // octets

// sendmail(1) reads lines that end in LF.
std::string with_lf(std::string_view text) {
  std::string out;
  spool::CrlfToLf newlines;
  newlines.convert(text, out);
  newlines.finish(out);
  return out;
}

// RFC 5321 4.4: the delivery has added Return-Path: as the first line, and a message on its way has
// none.
std::string_view without_return_path(std::string_view text) {
  if (!istarts_with(text, "Return-Path:")) return text;
  auto end = text.find('\n');
  return end == text.npos ? text : text.substr(end + 1);
}

std::string bracketed(const std::string& address) { return "<" + address + ">"; }

// For the log.
struct About {
  std::string id;
  std::string kind;
  std::string from;
  std::string to;
};

About about(const std::string& name, const spool::Outgoing& message) {
  About out{spool::id_of(name), spool::name_of(message.kind), bracketed(message.sender), {}};
  for (const auto& recipient : message.recipients) {
    out.to += (out.to.empty() ? "" : ",") + bracketed(recipient);
  }
  return out;
}

}  // namespace

bool needs_sender(const conf::Config& config) { return config.sieve.enabled; }

Status OutgoingSender::send_due() {
  auto queue = spool_.outgoing();
  if (!queue) return queue.error();
  if (queue.value() == nullptr || retries_.paused(sys::Steady::now())) return {};
  // Other masters may use the spool too: on another host, or for a moment after an upgrade. The
  // lock is released when this process ends.
  if (!sys::claim(queue.value()->directory())) return {};
  if (auto recovered = spool_.recover_outgoing(); !recovered) return recovered.error();
  auto names = queue.value()->ready();
  if (!names) return names.error();
  for (const auto& name : retries_.due(names.value(), sys::Steady::now())) {
    sys::let_stop_in();
    if (sys::stop_requested() || retries_.paused(sys::Steady::now())) break;
    // Before the next message is taken: one that is sent at most once would be lost.
    if (sys::launcher_has_ended()) return explained(EPIPE, "the launcher has ended");
    send(*queue.value(), name);
  }
  return {};
}

void OutgoingSender::send(spool::OutgoingQueue& queue, const std::string& name) {
  if (sent_.contains(name)) {
    if (queue.sent(name)) sent_.erase(name);
    return;
  }
  auto envelope = queue.read(name);
  if (!envelope && envelope.error().code == ENOENT) return;
  if (!envelope) return failed(queue, name, {}, envelope.error());
  const auto& message = envelope.value().message;
  auto input = input_of(queue, name, message);
  if (!input) return failed(queue, name, envelope.value(), input.error());
  // A reply that may have been sent is not sent again.
  if (message.at_most_once()) {
    if (auto removed = queue.sent(name); !removed) {
      return failed(queue, name, {}, removed.error());
    }
  }
  if (auto done = run(message, input.value()); !done) {
    return failed(queue, name, envelope.value(), done.error(), message.at_most_once());
  }
  retries_.succeeded(name);
  counts_.count(Counter::kSent);
  auto [id, kind, from, to] = about(name, message);
  log_.info("outgoing message sent", {{"id", id}, {"kind", kind}, {"from", from}, {"to", to}});
  if (message.at_most_once()) return;
  if (auto removed = queue.sent(name); !removed) {
    sent_.insert(name);
    log_.error("outgoing message sent, but not removed", {{"id", id},
                                                          {"kind", kind},
                                                          {"from", from},
                                                          {"to", to},
                                                          {"cause", removed.error().describe()}});
  }
}

void OutgoingSender::failed(spool::OutgoingQueue& queue, const std::string& name,
                            const spool::Envelope& envelope, const Error& error, bool taken) {
  auto [id, kind, from, to] = about(name, envelope.message);
  auto tries = retries_.tries(name) + 1;
  counts_.count(Counter::kSendFailures);
  bool refused = error.code == EINVAL;
  auto wait = retries_.failed(name, sys::Steady::now(),
                              refused ? Retries::Failure::kRefused : Retries::Failure::kOfProgram);
  bool known = !envelope.message.recipients.empty();
  if (known && taken) {
    counts_.count(Counter::kUnsent);
    log_.warning(
        "outgoing message dropped",
        {{"id", id}, {"kind", kind}, {"from", from}, {"to", to}, {"cause", error.describe()}});
    return;
  }
  bool is_old = known && sys::Wall::now() - envelope.created > kGiveUp;
  bool is_damaged = error.code == EBADMSG;
  if (is_old || is_damaged) {
    counts_.count(Counter::kUnsent);
    log_.error("outgoing message given up", {{"id", id},
                                             {"kind", kind},
                                             {"from", from},
                                             {"to", to},
                                             {"cause", error.describe()},
                                             {"file", ".handoff/outgoing/" + name}});
    static_cast<void>(queue.give_up(name).ok());
    return;
  }
  log_.warning("outgoing message deferred", {{"id", id},
                                             {"kind", kind},
                                             {"from", from},
                                             {"to", to},
                                             {"cause", error.describe()},
                                             {"tries", tries},
                                             {"next_try_seconds", wait.count()}});
}

// The whole message in a file without a name. If this process were killed while it wrote to a pipe,
// the program would mistake the part that it had received for the whole message.
Result<sys::Fd> OutgoingSender::input_of(spool::OutgoingQueue& queue, const std::string& name,
                                         const spool::Outgoing& message) {
  auto input = spool_.scratch_file();
  if (!input) return input;
  auto head = with_lf(message.head);
  if (message.text) head += with_lf(without_return_path(*message.text));
  if (auto done = files_.write(input.value(), head); !done) return done.error();
  if (message.text) return input;
  auto file = queue.open(name);
  if (!file && file.error().code == ENOENT) return explained(EBADMSG, "the message is missing");
  if (!file) return file;
  spool::CrlfToLf newlines;
  bool crlf = config_.spool.newline == conf::Newline::kCrlf;
  for (std::uint64_t offset = 0;;) {
    std::string piece(kPiece, '\0');
    auto n = files_.read_at(file.value(), offset, piece.data(), piece.size());
    if (!n) return n.error();
    piece.resize(n.value());
    auto octets = offset == 0 ? without_return_path(piece) : std::string_view(piece);
    offset += n.value();
    std::string converted;
    if (crlf) newlines.convert(octets, converted);
    if (crlf && n.value() == 0) newlines.finish(converted);
    if (auto done = files_.write(input.value(), crlf ? converted : octets); !done)
      return done.error();
    if (n.value() == 0) return input;
  }
}

Status OutgoingSender::run(const spool::Outgoing& message, const sys::Fd& input) {
  sys::Command command;
  command.arguments = config_.sieve.sendmail;
  for (const auto* argument : {"-oi", "-f"}) command.arguments.emplace_back(argument);
  command.arguments.push_back(message.sender.empty() ? "<>" : sys::argument_of(message.sender));
  command.arguments.emplace_back("--");
  for (const auto& recipient : message.recipients) command.arguments.push_back(recipient);
  command.limit = config_.sieve.sendmail_timeout;
  command.limit_name = "sieve.sendmail-timeout";
  command.file = &input;
  return sys::run_program(command);
}

int run_sender(const conf::Config& config, const sys::Log& log, const sys::Fd& life,
               board::SlotWriter& counts) {
  auto fail = [&](const Error& error, int exit_code) {
    log.error("no sender", {{"cause", error.describe()}});
    return exit_code;
  };
  sys::set_title("sender");
  sys::keep_only(std::array{&life});
  sys::catch_stop_signal();
  if (auto dropped = drop_privileges(config); !dropped) return fail(dropped.error(), EX_CONFIG);
  sys::hide_memory();
  if (auto started = sys::start_launcher({config.sieve.sendmail}); !started) {
    return fail(started.error(), EX_OSERR);
  }
  sys::Files files;
  auto spool = spool::Spool::open(files, spool_options(config, log));
  if (!spool) return fail(spool.error(), EX_TEMPFAIL);
  sys::Needs needs;
  needs.folders = {config.spool.path};
  needs.programs = {config.sieve.sendmail.front()};
  needs.launcher = true;
  needs.sends_files = true;
  needs.syslog = config.log.to == conf::LogTo::kSyslog;
  if (auto done = sys::confine("sender", needs, {}, log); !done)
    return fail(done.error(), EX_OSERR);
  OutgoingSender sender(config, log, files, *spool.value(), counts);
  std::string last;  // the failure that was logged
  for (;;) {
    auto done = sender.send_due();
    auto cause = done ? std::string() : done.error().describe();
    if (!done && cause != last) log.error("cannot read the outgoing messages", {{"cause", cause}});
    last = cause;
    // Another directory is at spool.path: the next sender opens it.
    if (!spool.value()->check_folders()) return EX_TEMPFAIL;
    std::array<pollfd, 2> fds{{{life.get(), POLLIN, 0}, {sys::launcher().get(), 0, 0}}};
    auto waited = sys::wait_for(fds, sys::Steady::now() + kLookForMail, true);
    // The next sender starts another launcher.
    if (sys::launcher_has_ended())
      return fail(explained(EPIPE, "the launcher has ended"), EX_TEMPFAIL);
    if (waited != sys::Waited::kTimeout) return EX_OK;
  }
}

}  // namespace handoff::worker
