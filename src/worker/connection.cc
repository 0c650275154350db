#include "worker/connection.hh"

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

// Octets. Commands need little; content fills any buffer. With 256 KiB, 10 MiB of content took the
// same time, and 100 KiB took a fifth longer.
constexpr std::size_t kCommandBuffer = 4 << 10;
constexpr std::size_t kContentBuffer = 64 << 10;
// How long a stop waits for a client that has a transaction open but has not begun the data, that
// may still begin a transaction (must_go_on), or that does not read its replies.
constexpr std::chrono::seconds kStopGrace{10};
// How long a stop waits for the next command of any other client, to reply to it with 421. A client
// that is writing when the connection closes fails (with OpenSMTPD's mail.lmtp the message
// bounces); one that gets 421 instead of 221 may send again what was delivered.
constexpr std::chrono::seconds kLastCommandGrace{1};
// How long the end of a session waits to see whether its last replies were read.
constexpr std::chrono::seconds kLastReplyGrace{2};
// If a client stays connected and sends nothing, the worker checks whether it has read its replies:
// after kFirstLook, and then at intervals that double up to kLooks. kFirstLook is longer than
// recv(2) waits, so that a client that sends soon costs no system call. All intervals together are
// shorter than the time for which another worker with the same message waits for this one
// (spool/guard.cc).
constexpr std::chrono::milliseconds kFirstLook{60};
constexpr std::chrono::milliseconds kLooks{480};

// How often a client that has exceeded session.stress-timeout is checked.
constexpr std::chrono::seconds kStressLook{1};

using board::Counter;
using board::Stage;
using board::State;

// Returns whether the error is a normal refusal, because the mailbox is busy, slow or over quota.
bool is_refusal(const Error& error) {
  return error.reason >= Reason::kOverQuota && error.reason <= Reason::kMailboxSlow;
}

}  // namespace

Connection::Connection(Services& services, sys::Stream stream, sys::Peer peer,
                       std::optional<std::uint16_t> port, board::SlotWriter& slot_writer)
    : services_(services),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      port_(port),
      session_(services.session_options, session_peer()),
      slot_writer_(slot_writer),
      admission_(services.config, services.log, slot_writer) {}

Ended Connection::run() {
  auto ended = serve();
  auto until = sys::Steady::now() + kLastReplyGrace;
  // The peer of a connection that broke has not read all replies. If a TCP connection fell silent,
  // the peer's system has taken the replies, and only the way in which the client closes the
  // connection shows whether the client has read them. In any other case the peer gets some time to
  // read.
  bool silent = peer_.ip && (ended == Ended::kTimeout || ended == Ended::kShutdown);
  if (ended == Ended::kBroken) resolve_unread_as(false);
  if (unread_ && silent) resolve_unread_as(stream_.ends_in_order(until));
  resolve_unread(until);
  slot_writer_.leave_client();
  return ended;
}

Ended Connection::serve() {
  bool tls_first = port_ && services_.is_tls_port(*port_);
  const auto* refusal = !is_allowed()  ? &lmtp::say::kNotAllowed
                        : !has_place() ? &lmtp::say::kTooManyConnections
                                       : nullptr;
  if (refusal != nullptr) {
    slot_writer_.count(Counter::kRefusedPeers);
    bool allowed = refusal != &lmtp::say::kNotAllowed;
    services_.log.warning(
        "refused client",
        {{"client", peer_.text}, {"cause", allowed ? "workers.max-per-client" : "allow"}});
    if (tls_first) return Ended::kRefused;  // the client expects TLS, not a reply
    session_.refuse_peer({*refusal, {peer_.text}});
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

bool Connection::flush() {
  auto& output = session_.output();
  if (output.empty()) return true;
  slot_writer_.count_replies(output);
  slot_writer_.enter(State::kReply);
  auto written = stream_.write(
      output, sys::Steady::now() + services_.config.session.command_timeout, kStopGrace);
  output.clear();
  return written.ok();
}

// Octets that arrive slowly extend no deadline, neither that of their command nor that of the
// transaction (S13). Content without a transaction (a refused BDAT) has as much time as one with.
sys::Deadline Connection::deadline() {
  const auto& config = services_.config.session;
  auto now = sys::Steady::now();
  Awaited awaited{session_.commands(), session_.in_content()};
  if (awaited != awaited_) {
    awaited_ = awaited;
    awaited_since_ = now;
  }
  waiting_since_ = awaited_since_;
  auto until = awaited_since_ + config.command_timeout;
  if (awaited.content) {
    until = awaited_since_ + config.transaction_timeout;
    if (now + config.data_timeout < until) {
      until = now + config.data_timeout;
      waiting_since_ = now;
    }
  }
  if (session_.in_transaction() && transaction_deadline_ < until) {
    until = transaction_deadline_;
    waiting_since_ = times_.begin;
  }
  return stop_deadline_ ? std::min(until, *stop_deadline_) : until;
}

Connection::Next Connection::on(const lmtp::NeedInput&) {
  if (!flush()) return Ended::kBroken;
  return read_more();
}

Connection::Next Connection::read_more() {
  if (!session_.in_transaction()) {
    room_.release();
    relay_.reset();
  }
  if (services_.is_broken()) sys::request_retirement();
  if (sys::stop_requested() && !must_go_on()) await_last_command();
  // The next worker opens the spool again.
  if (services_.spool->gone() && !session_.in_transaction()) await_last_command();
  auto size = session_.in_content() ? kContentBuffer : kCommandBuffer;
  if (buffer_size_ != size) {
    buffer_.reset(new char[size]);  // unlike make_unique, not filled with zeros
    buffer_size_ = size;
  }
  auto before = sys::Steady::now();
  if (before >= began_ + services_.config.session.max_time) session_.grow_old();
  auto until = deadline();
  // A stop never interrupts the content of a transaction, and interrupts nothing once it has set
  // its deadline.
  bool receiving = session_.in_content() && session_.in_transaction();
  bool stoppable = !receiving && !stop_deadline_;
  slot_writer_.enter(session_.in_content()      ? State::kData
                     : session_.commands() == 0 ? State::kGreeting
                                                : State::kCommand);
  auto got = read_input(before, until, stoppable);
  switch (got.got) {
    case sys::Stream::Got::kOctets:
      input_ = {buffer_.get(), got.size};
      // A client that has received the replies and then sends more has read them. Octets that it
      // had sent earlier prove nothing.
      if (unread_ && stream_.drained(before)) resolve_unread_as(true);
      if (last_command_ && !istarts_with(input_, "QUIT")) return shut_down();
      return std::nullopt;
    case sys::Stream::Got::kStop:
      if (must_go_on()) {
        stop_deadline_ = sys::Steady::now() + kStopGrace;
      } else {
        await_last_command();
      }
      return std::nullopt;
    case sys::Stream::Got::kTimeout:
      if (last_command_ || (stop_deadline_ && sys::Steady::now() >= *stop_deadline_)) {
        return shut_down();
      }
      return time_out(until);
    case sys::Stream::Got::kEnd:
      return session_.in_transaction() ? Ended::kBroken : Ended::kQuit;
    case sys::Stream::Got::kBroken:
      return Ended::kBroken;
  }
  return Ended::kBroken;
}

Connection::Next Connection::time_out(sys::Deadline limit) {
  resolve_if_read();
  auto now = sys::Steady::now();
  auto waited = static_cast<std::uint64_t>(
      std::chrono::round<std::chrono::seconds>(now - waiting_since_).count());
  ending_ = Ended::kTimeout;
  if (now < limit) {
    session_.make_room(waited);
    services_.log.info("idle session ended for a waiting client", {{"client", peer_.text}});
  } else {
    session_.time_out(waited);
    services_.log.warning("timeout", {{"client", peer_.text}});
  }
  return std::nullopt;
}

sys::Stream::Input Connection::read_input(sys::Deadline now, sys::Deadline limit, bool stoppable) {
  auto look = kFirstLook;
  for (;; now = sys::Steady::now()) {
    auto until = limit;
    // Only a unix socket or a pipe shows whether the peer's program has read.
    if (unread_ && !peer_.ip) {
      until = std::min(until, now + look);
      look = std::min(2 * look, kLooks);
    }
    if (!session_.in_content()) {
      auto patience = awaited_since_ + services_.config.session.stress_timeout;
      until = std::min(until, std::max(patience, now + kStressLook));
    }
    auto got = stream_.read(buffer_.get(), buffer_size_, until, stoppable);
    if (got.got != sys::Stream::Got::kTimeout || until == limit) return got;
    resolve_if_read();
    if (must_make_room(until)) return got;
  }
}

// S16: a client that is idle, or slow with its command, gives way to one that waits. Nothing that
// it has sent was acknowledged. Content is never interrupted.
bool Connection::must_make_room(sys::Deadline now) const {
  return !session_.in_content() && !stop_deadline_ && slot_writer_.connection_waits() &&
         now >= awaited_since_ + services_.config.session.stress_timeout;
}

// S11: between transactions a stop waits only for a command that may be arriving. It allows some
// time for an open transaction and never interrupts the data. If only this worker ends (a reload,
// an upgrade, too many idle workers), a client that is already connected may still make its first
// transaction, because the server keeps serving and has no reason to turn it away.
bool Connection::must_go_on() const {
  return session_.in_transaction() || (sys::only_retiring() && session_.transactions() == 0);
}

void Connection::await_last_command() {
  if (last_command_) return;
  last_command_ = true;
  stop_deadline_ = sys::Steady::now() + kLastCommandGrace;
}

Connection::Next Connection::shut_down() {
  resolve_if_read();
  stop_deadline_.reset();
  input_ = {};
  session_.shut_down();
  ending_ = Ended::kShutdown;
  return std::nullopt;
}

Connection::Next Connection::on(const lmtp::MailBegins& event) {
  times_ = {.begin = sys::Steady::now()};
  id_.clear();
  content_error_.reset();
  destinations_.clear();
  relay_.reset();
  room_.release();
  declared_size_ = event.envelope.declared_size.value_or(0);
  transaction_deadline_ = times_.begin + services_.config.session.transaction_timeout;
  if (stop_deadline_) stop_deadline_ = times_.begin + kStopGrace;
  auto room = services_.spool->reserve(declared_size_);
  // If the free space is unknown, accepts the message: writing will show whether there is room.
  if (!room || room.value()) {
    if (room) room_ = *std::move(room).value();
    session_.accept_mail();
    return std::nullopt;
  }
  auto reply = declared_size_ > 0
                   ? lmtp::Reply(lmtp::say::kNoRoom, {std::to_string(declared_size_)})
                   : lmtp::Reply(lmtp::say::kLowSpace);
  slot_writer_.count(Counter::kNoRoom);
  slot_writer_.refused(board::At::kMail, reply.code, reply.reason);
  auto space = services_.spool->space();
  auto fields = refusal_fields(event.envelope.sender.bracketed(), {}, reply);
  fields.emplace_back("size", declared_size_);
  fields.emplace_back("free", space ? space.value().free_octets : 0);
  fields.emplace_back("free_inodes", space ? space.value().free_inodes : 0);
  services_.log.warning("no room", fields);
  session_.refuse(reply);
  return std::nullopt;
}

Connection::Next Connection::on(const lmtp::RecipientNamed& event) {
  const auto& address = event.address;
  auto& resolver = services_.resolver();
  if (!resolver.serves(address)) {
    return refuse_unknown(event, lmtp::say::kNotServed);
  }
  slot_writer_.enter(State::kLookup);
  std::unique_ptr<delivery::Destination> destination;
  auto found = timed(slot_writer_, Stage::kLookup, times_.lookup, [&] {
    return resolver.resolve(address, [&](Mailbox& mailbox, const std::string& detail) {
      if (mailbox.backend) {
        mailbox.path = proxy::address_there(address, mailbox.address, detail,
                                            services_.config.recipients.delimiter);
        return Status();
      }
      destination = services_.destinations.of(mailbox);
      auto chosen =
          admission_.ask(*destination, [&] { return destination->choose_folder(detail); });
      mailbox = destination->mailbox();
      return chosen;
    });
  });
  if (!found) {
    auto error = found.error();
    if (!is_refusal(error)) error = services_.spool->cause_of(error);
    bool known =
        is_refusal(error) || services_.spool->gone() || error.reason == Reason::kSpoolMissing;
    auto reply = known ? reply_to(error, address.text()) : lmtp::reply_to_lookup_failure();
    return refuse_recipient(event, reply, &error, "lookup failed");
  }
  if (!found.value()) {
    return refuse_unknown(event, lmtp::say::kUnknownRecipient);
  }
  if (found.value()->backend) return ask_backend(event, *std::move(found).value());
  const auto& mailbox = destination->mailbox();
  if (event.verify && !resolver.can_verify()) {
    session_.cannot_verify();
    return std::nullopt;
  }
  if (!event.verify) {
    auto accepted = admission_.check(mailbox);
    if (accepted) {
      accepted =
          admission_.ask(*destination, [&] { return destination->check_quota(declared_size_); });
    }
    if (!accepted) {
      const auto& error = accepted.error();
      return refuse_recipient(event, reply_to(error, mailbox.address), &error, "quota unknown");
    }
  }
  session_.accept_recipient(mailbox);
  // A mailbox that is named twice gets only one copy.
  if (!event.verify) {
    auto place = mailbox.place();
    destinations_.try_emplace(std::move(place), std::move(destination));
  }
  return std::nullopt;
}

Connection::Next Connection::ask_backend(const lmtp::RecipientNamed& event, Mailbox mailbox) {
  if (event.verify) {
    session_.cannot_verify();
    return std::nullopt;
  }
  // The backend must not accept a recipient that the session refuses.
  if (session_.has_new_owner(mailbox)) {
    session_.accept_recipient(std::move(mailbox));
    return std::nullopt;
  }
  auto refuse = [&](const lmtp::Reply& reply, const Error* error) {
    services_.pool->record_of(*mailbox.backend).settled(reply.code);
    return refuse_recipient(event, reply, error, "backend failed");
  };
  auto refuse_for = [&](const Error& error) {
    return refuse(reply_to(error, mailbox.address), &error);
  };
  if (auto admitted = admission_.check(mailbox); !admitted) return refuse_for(admitted.error());
  if (!relay_) {
    auto client = proxy::client_of(session_.forwarded(), peer_.ip, session_.hello());
    auto open = [this] { return services_.spool->scratch_file(); };
    relay_ = std::make_unique<proxy::Relay>(*services_.pool,
                                            proxy::Facts{session_.envelope(), std::move(client)},
                                            proxy::Content(services_.files, open));
  }
  // The replies that are known do not wait for the backend.
  if (!flush()) return Ended::kBroken;
  auto asked = timed(slot_writer_, Stage::kLookup, times_.lookup, [&] {
    return admission_.ask_host(*mailbox.backend,
                               [&] { return relay_->add(mailbox, event.recipient); });
  });
  if (!asked) return refuse_for(asked.error());
  const auto& reply = asked.value();
  if (reply.positive()) {
    bool reports = relay_->reports(mailbox);
    session_.accept_recipient(std::move(mailbox), reply, reports);
    return std::nullopt;
  }
  auto error = relay_->cause(mailbox);
  return refuse(reply, error ? &*error : nullptr);
}

// S18: clients of unix sockets and trusted clients are queue managers, which do not guess
// addresses.
Connection::Next Connection::refuse_unknown(const lmtp::RecipientNamed& event,
                                            const lmtp::Phrase& phrase) {
  auto delay = penalties_.unknown_recipient();
  bool exempt = !peer_.ip || session_.trusted();
  if (delay.count() > 0 && !exempt && !hold_back(delay)) return Ended::kBroken;
  return refuse_recipient(event, {phrase, {event.address.text()}});
}

// The client may have closed the connection after many pipelined commands, none of which may then
// occupy this worker.
bool Connection::hold_back(std::chrono::seconds time) {
  if (!flush()) return false;
  static_cast<void>(sys::wait_for({}, sys::Steady::now() + time, true));
  return stream_.peer_end() != sys::Stream::PeerEnd::kClosed;
}

// `error`: the cause, unless the refusal is normal; `what` is the operation that failed.
Connection::Next Connection::refuse_recipient(const lmtp::RecipientNamed& event,
                                              const lmtp::Reply& reply, const Error* error,
                                              const char* what) {
  // The recipient may exist in the directory that is at spool.path now.
  if (reply.code / 100 == 5) {
    if (auto here = services_.spool->check_place(); !here) {
      return refuse_recipient(event, lmtp::reply_to(here.error()), &here.error(), "lookup failed");
    }
  }
  const auto& address = event.address;
  if (!event.verify) {
    count_outcome(reply);
    slot_writer_.refused(board::At::kRcpt, reply.code, reply.reason);
  }
  auto fields = refusal_fields(session_.sender(), address.bracketed(), reply, error);
  const char* message = reply.code / 100 == 4 ? "deferred" : "refused";
  if (error == nullptr) {
    services_.log.info(message, fields);
  } else if (is_refusal(*error)) {
    services_.log.warning(message, fields);
  } else {
    note_failure(reply, *error, address);
    services_.log.error(what, fields);
  }
  session_.refuse(reply);
  return std::nullopt;
}

// Returns the reply to a failure at a mailbox. Replies call the recipient `address`.
lmtp::Reply Connection::reply_to(const Error& error, const std::string& address) const {
  bool bounces = services_.config.quota.over == conf::QuotaOver::kBounce;
  switch (error.reason) {
    case Reason::kOverQuota:
      return {bounces ? lmtp::say::kOverQuotaForGood : lmtp::say::kOverQuota, {address}};
    case Reason::kMaybeOverQuota:
      return {lmtp::say::kOverQuota, {address}};
    case Reason::kMailboxBusy:
      return {lmtp::say::kMailboxBusy, {address}};
    case Reason::kMailboxSlow:
      return {lmtp::say::kMailboxSlow, {address}};
    case Reason::kRejected:
      return {lmtp::say::kScriptRejects, {address, error.what}};
    case Reason::kSpoolReplaced:
    case Reason::kSpoolMissing:
    case Reason::kSpoolFolderGone:
    case Reason::kSpoolInUse:
    case Reason::kNotOurs:
    case Reason::kExplained:
    case Reason::kSystem:
      break;
  }
  return lmtp::reply_to(error);
}

Connection::Next Connection::on(const lmtp::Closed&) {
  if (session_.gave_up()) ending_ = Ended::kRefused;
  bool written = flush();
  if (written) stream_.end(sys::Steady::now() + services_.config.session.command_timeout);
  stream_.end_output();
  return written ? ending_ : Ended::kBroken;
}

}  // namespace handoff::worker
