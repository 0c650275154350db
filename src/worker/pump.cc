#include "worker/pump.hh"

#include <algorithm>
#include <cerrno>
#include <variant>

#include "base/text.hh"
#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "sys/signals.hh"
#include "worker/timed.hh"

namespace handoff::worker {
namespace {

// Octets. Commands need little; content fills whatever it is given. 256 KiB made 10 MiB no faster
// and 100 KiB a fifth dearer.
constexpr std::size_t kCommandBuffer = 4 << 10;
constexpr std::size_t kContentBuffer = 64 << 10;
// A stop waits this long for a client that has a transaction open and no data begun, or that is
// still owed one.
constexpr std::chrono::seconds kStopGrace{10};
// A stop waits this long for the next command of any other client, to say 421 in reply to that. Who
// is about to write when the connection closes dies of it (OpenSMTPD's mail.lmtp, and the message
// bounces); who gets 421 where 221 is due may send again what was delivered.
constexpr std::chrono::seconds kPartingGrace{1};
// How long it may take, when the session has ended, to see whether its last replies were read.
constexpr std::chrono::seconds kLastHearing{2};

using board::Counter;
using board::Stage;
using board::State;

}  // namespace

Pump::Pump(Services& services, sys::Stream stream, sys::Peer peer,
           std::optional<std::uint16_t> port, board::Scribe& scribe)
    : services_(services),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      port_(port),
      session_(services.session_options, session_peer()),
      scribe_(scribe),
      deliverer_(services, scribe) {}

Ended Pump::run() {
  auto ended = serve();
  services_.spool.release();
  // A connection that broke was not heard to its end. Nor was one over TCP that just fell silent:
  // the peer's system has taken the replies, and nothing says that the client has. In any other
  // case the peer is given a moment.
  bool silent = peer_.ip && (ended == Ended::kTimeout || ended == Ended::kShutdown);
  if (ended == Ended::kBroken || silent) resolve_unread_as(false);
  resolve_unread(sys::Steady::now() + kLastHearing);
  return ended;
}

Ended Pump::serve() {
  bool tls_first = port_ && services_.is_tls_port(*port_);
  if (!is_allowed()) {
    services_.log.warning("refused client", {{"client", peer_.text}, {"cause", "allow"}});
    if (tls_first) return Ended::kRefused;  // it would not understand
    session_.refuse_peer(peer_.text);
    ending_ = Ended::kRefused;
  } else if (tls_first && !start_tls()) {
    return Ended::kBroken;
  }
  for (;;) {
    auto next = session_.next(input_);
    log_refusals();
    if (auto ended = std::visit([this](const auto& event) { return on(event); }, next)) {
      return *ended;
    }
  }
}

bool Pump::flush() {
  auto& output = session_.output();
  if (output.empty()) return true;
  scribe_.count_replies(output);
  scribe_.enter(State::kReply);
  auto written =
      stream_.write(output, sys::Steady::now() + services_.config.session.command_timeout);
  output.clear();
  return written.ok();
}

// Octets that trickle in extend no deadline: neither that of the command that they are part of, nor
// that of the transaction (S13). Content that nobody wants (a refused BDAT) has no transaction, and
// the time of one.
sys::Deadline Pump::deadline() {
  const auto& config = services_.config.session;
  auto now = sys::Steady::now();
  Awaited awaited{session_.commands(), session_.in_content()};
  if (awaited != awaited_) {
    awaited_ = awaited;
    awaited_since_ = now;
  }
  auto until = awaited.content ? std::min(now + config.data_timeout,
                                          awaited_since_ + config.transaction_timeout)
                               : awaited_since_ + config.command_timeout;
  if (session_.in_transaction()) until = std::min(until, transaction_deadline_);
  return stop_deadline_ ? std::min(until, *stop_deadline_) : until;
}

Pump::Next Pump::on(const lmtp::NeedInput&) {
  if (!flush()) return Ended::kBroken;
  return read_more();
}

Pump::Next Pump::read_more() {
  if (!session_.in_transaction()) services_.spool.release();
  if (sys::stop_requested() && !must_go_on()) part();
  auto size = session_.in_content() ? kContentBuffer : kCommandBuffer;
  if (buffer_size_ != size) {
    buffer_.reset(new char[size]);  // not filled with zeros, as make_unique would
    buffer_size_ = size;
  }
  auto before = sys::Steady::now();
  auto until = deadline();
  // In a transaction a stop does not cut; its grace is a deadline. In content not even that.
  bool cuts = session_.in_content() && session_.in_transaction();
  bool stoppable = !cuts && !stop_deadline_;
  scribe_.enter(session_.in_content()      ? State::kData
                : session_.commands() == 0 ? State::kGreeting
                                           : State::kCommand);
  auto got = stream_.read(buffer_.get(), size, until, stoppable);
  switch (got.got) {
    case sys::Stream::Got::kOctets:
      input_ = {buffer_.get(), got.size};
      // Who has taken the replies and sends more has read them; octets that were on their way
      // before say nothing.
      if (unread_ && stream_.drained(before)) resolve_unread_as(true);
      if (parting_ && !istarts_with(input_, "QUIT")) return shut_down();
      return std::nullopt;
    case sys::Stream::Got::kStop:
      if (must_go_on()) {
        stop_deadline_ = sys::Steady::now() + kStopGrace;
      } else {
        part();
      }
      return std::nullopt;
    case sys::Stream::Got::kTimeout:
      if (parting_ || (stop_deadline_ && sys::Steady::now() >= *stop_deadline_)) {
        return shut_down();
      }
      session_.time_out(static_cast<std::uint64_t>(
          std::chrono::round<std::chrono::seconds>(sys::Steady::now() - before).count()));
      ending_ = Ended::kTimeout;
      services_.log.warning("timeout", {{"client", peer_.text}});
      return std::nullopt;
    case sys::Stream::Got::kEnd:
      return session_.in_transaction() ? Ended::kBroken : Ended::kQuit;
    case sys::Stream::Got::kBroken:
      return Ended::kBroken;
  }
  return Ended::kBroken;
}

// S11: between transactions a stop waits for no more than the command that may be on its way, it
// has a grace for a transaction that is open, and never cuts one in its data. Where only this
// worker goes (a reload, an upgrade, too many idle), a client that has connected to it is owed a
// transaction: the server serves on, and has no cause to turn it away.
bool Pump::must_go_on() const {
  return session_.in_transaction() || (sys::only_retiring() && session_.transactions() == 0);
}

void Pump::part() {
  if (parting_) return;
  parting_ = true;
  stop_deadline_ = sys::Steady::now() + kPartingGrace;
}

Pump::Next Pump::shut_down() {
  stop_deadline_.reset();
  input_ = {};
  session_.shut_down();
  ending_ = Ended::kShutdown;
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::MailBegins& event) {
  times_ = {.begin = sys::Steady::now()};
  id_.clear();
  declared_size_ = event.envelope.declared_size.value_or(0);
  transaction_deadline_ = times_.begin + services_.config.session.transaction_timeout;
  if (stop_deadline_) stop_deadline_ = times_.begin + kStopGrace;
  auto room = services_.spool.reserve(declared_size_);
  // A spool that cannot be asked is no reason to refuse: writing will tell.
  if (room && !room.value()) {
    auto reply = declared_size_ > 0
                     ? lmtp::Reply(lmtp::say::kNoRoom, {std::to_string(declared_size_)})
                     : lmtp::Reply(lmtp::say::kLowSpace);
    scribe_.count(Counter::kNoRoom);
    auto space = services_.spool.space();
    services_.log.warning("no room", {{"size", declared_size_},
                                      {"free", space ? space.value().free_octets : 0},
                                      {"free_inodes", space ? space.value().free_inodes : 0},
                                      {"client", peer_.text},
                                      {"reply", reply.one_line()}});
    session_.refuse(reply);
    return std::nullopt;
  }
  session_.accept_mail();
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::RecipientNamed& event) {
  auto refuse = [&](const lmtp::Reply& reply, sys::Level level) {
    services_.log.write(
        level, reply.code / 100 == 4 ? "deferred" : "refused",
        {{"to", event.address.bracketed()}, {"client", peer_.text}, {"reply", reply.one_line()}});
    session_.refuse(reply);
  };
  if (!services_.resolver().serves(event.address)) {
    refuse({lmtp::say::kNotServed, {event.address.text()}}, sys::Level::kInfo);
    return std::nullopt;
  }
  auto fail = [&](const char* what, const lmtp::Reply& reply, const Error& error) {
    if (Deliverer::is_put_off(error)) return refuse(reply, sys::Level::kWarning);
    // What a server said may have the address in it, and what is said of a mailbox too.
    scribe_.failure(reply.one_line() + ": " + error.cause(),
                    event.address.text() + ": " + error.what);
    services_.log.error(what, {{"to", event.address.bracketed()},
                               {"client", peer_.text},
                               {"reply", reply.one_line()},
                               {"cause", error.describe()}});
    session_.refuse(reply);
  };
  scribe_.enter(State::kLookup);
  auto mailbox = timed(scribe_, Stage::kLookup, times_.lookup, [&] {
    return services_.resolver().resolve(event.address,
                                        [&](Mailbox& of_another, const std::string& detail) {
                                          return deliverer_.choose_folder(of_another, detail);
                                        });
  });
  if (!mailbox) {
    auto put_off = Deliverer::put_off(mailbox.error(), event.address.text());
    fail("lookup failed", put_off.value_or(lmtp::reply_to_lookup_failure()), mailbox.error());
  } else if (!mailbox.value()) {
    refuse({lmtp::say::kUnknownRecipient, {event.address.text()}}, sys::Level::kInfo);
  } else if (event.verify && !services_.resolver().tells()) {
    session_.cannot_verify();
  } else if (event.verify) {
    session_.accept_recipient(std::move(*mailbox.value()));
  } else if (auto put_off = deliverer_.put_off(*mailbox.value())) {
    refuse(*put_off, sys::Level::kWarning);
  } else if (auto room = deliverer_.check_quota(*mailbox.value(), declared_size_); !room) {
    auto reply = deliverer_.reply_to(room.error(), *mailbox.value());
    if (room.error().code == EDQUOT) {
      refuse(reply, sys::Level::kWarning);
    } else {
      fail("quota not known", reply, room.error());
    }
  } else {
    session_.accept_recipient(std::move(*mailbox.value()));
  }
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::Closed&) {
  if (session_.gave_up()) ending_ = Ended::kRefused;
  bool heard = flush();
  if (heard) stream_.end(sys::Steady::now() + services_.config.session.command_timeout);
  stream_.end_output();
  return heard ? ending_ : Ended::kBroken;
}

}  // namespace handoff::worker
