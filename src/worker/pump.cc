#include "worker/pump.hh"

#include <algorithm>
#include <array>
#include <cstdio>
#include <variant>

#include "base/text.hh"
#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "sys/signals.hh"

namespace handoff::worker {
namespace {

// Octets. Commands need little; content fills whatever it is given.
constexpr std::size_t kCommandBuffer = 4 << 10;
constexpr std::size_t kContentBuffer = 64 << 10;
// A stop waits this long for a client that has a transaction open and no data begun, or that is
// still owed one.
constexpr std::chrono::seconds kStopGrace{10};
// A stop waits this long for the next command of any other client, to say 421 in reply to that. Who
// is about to write when the connection closes dies of it (OpenSMTPD's mail.lmtp, and the message
// bounces); who gets 421 where 221 is due may send again what was delivered.
constexpr std::chrono::seconds kPartingGrace{1};
// How long it may take to see whether the replies to a message were read: when the next content is
// there already, and when the session has ended.
constexpr std::chrono::milliseconds kHearing{100};
constexpr std::chrono::seconds kLastHearing{2};

using board::Counter;
using board::Stage;
using board::State;

std::string angle(const Address& address) { return "<" + address.text() + ">"; }

// What becomes of a recipient whose mailbox is not to be waited for; the errno says why.
constexpr int kBusy = EBUSY;        // recipients.max-concurrent
constexpr int kSlow = EINPROGRESS;  // recipients.slow-limit

lmtp::Reply put_off(const std::string& address) { return {lmtp::say::kMailboxBusy, {address}}; }

std::string in_seconds(sys::Steady::duration took) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.4f", std::chrono::duration<double>(took).count());
  return text.data();
}

}  // namespace

template <class Action>
auto Pump::timed(Stage stage, sys::Steady::duration& took, Action action) {
  auto begin = sys::Steady::now();
  auto result = action();
  auto elapsed = sys::Steady::now() - begin;
  took += elapsed;
  // Writing is many small steps, and is observed as one when they are over.
  if (stage != Stage::kWrite) scribe_.observe(stage, elapsed);
  return result;
}

Pump::Pump(Services& services, sys::Stream stream, sys::Peer peer,
           std::optional<std::uint16_t> port, board::Scribe& scribe)
    : services_(services),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      port_(port),
      session_(services.session_options, session_peer()),
      buffer_(kCommandBuffer),
      scribe_(scribe),
      slowness_{services.config.recipients.slow_after,
                {services.config.recipients.slow_limit, services.config.recipients.slow_pause}} {}

Ended Pump::run() {
  auto ended = serve();
  services_.spool.release();
  // A connection that broke was not heard to its end; in any other case the peer is given a moment.
  if (ended == Ended::kBroken) resolve_unread_as(false);
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
// that of the transaction (S13).
sys::Deadline Pump::deadline() {
  const auto& config = services_.config.session;
  auto now = sys::Steady::now();
  if (commands_seen_ != session_.commands() || commands_seen_ == 0) {
    commands_seen_ = session_.commands();
    command_deadline_ = now + config.command_timeout;
  }
  auto until = session_.in_content() ? now + config.data_timeout : command_deadline_;
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
  if (buffer_.size() != size) buffer_ = std::vector<char>(size);
  auto before = sys::Steady::now();
  auto until = deadline();
  // In a transaction a stop does not cut; its grace is a deadline. In content not even that.
  bool stoppable = !session_.in_content() && !stop_deadline_;
  scribe_.enter(session_.in_content()      ? State::kData
                : session_.commands() == 0 ? State::kGreeting
                                           : State::kCommand);
  auto got = stream_.read(buffer_.data(), buffer_.size(), until, stoppable);
  switch (got.got) {
    case sys::Stream::Got::kOctets:
      input_ = {buffer_.data(), got.size};
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
        {{"to", angle(event.address)}, {"client", peer_.text}, {"reply", reply.one_line()}});
    session_.refuse(reply);
  };
  if (!services_.resolver().serves(event.address)) {
    refuse({lmtp::say::kNotServed, {event.address.text()}}, sys::Level::kInfo);
    return std::nullopt;
  }
  scribe_.enter(State::kLookup);
  auto mailbox = timed(Stage::kLookup, times_.lookup,
                       [&] { return services_.resolver().resolve(event.address); });
  if (!mailbox) {
    auto reply = lmtp::reply_to_lookup_failure();
    scribe_.failure(reply.one_line() + ": " + mailbox.error().what, event.address.text());
    services_.log.error("lookup failed", {{"to", angle(event.address)},
                                          {"client", peer_.text},
                                          {"reply", reply.one_line()},
                                          {"cause", mailbox.error().describe()}});
    session_.refuse(reply);
  } else if (!mailbox.value()) {
    refuse({lmtp::say::kUnknownRecipient, {event.address.text()}}, sys::Level::kInfo);
  } else if (event.verify && !services_.resolver().tells()) {
    session_.cannot_verify();
  } else if (!event.verify && scribe_.is_crowded(board::mailbox_key(mailbox.value()->name()),
                                                 services_.config.recipients.max_concurrent)) {
    // Before the content comes in vain; those who come together are told apart when it is there.
    scribe_.count(Counter::kCrowded);
    refuse(put_off(mailbox.value()->address), sys::Level::kWarning);
  } else if (!event.verify && is_put_off(*mailbox.value())) {
    refuse(lmtp::Reply(lmtp::say::kMailboxSlow, {mailbox.value()->address}), sys::Level::kWarning);
  } else if (auto room = event.verify
                             ? Status()
                             : services_.spool.check_quota(*mailbox.value(), declared_size_);
             !room) {
    refuse(reply_to_failure(room.error(), *mailbox.value()), sys::Level::kWarning);
  } else {
    session_.accept_recipient(std::move(*mailbox.value()));
  }
  return std::nullopt;
}

lmtp::Reply Pump::reply_to_failure(const Error& error, const Mailbox& mailbox) const {
  if (error.code == kBusy) return put_off(mailbox.address);
  if (error.code == kSlow) return {lmtp::say::kMailboxSlow, {mailbox.address}};
  bool over = error.what == spool::kOverQuota;
  if (!over && error.what != spool::kMaybeOverQuota) return lmtp::reply_to(error);
  bool bounces = over && services_.config.quota.over == conf::QuotaOver::kBounce;
  return {bounces ? lmtp::say::kOverQuotaForGood : lmtp::say::kOverQuota, {mailbox.address}};
}

Pump::Next Pump::on(const lmtp::ContentBegins& event) {
  auto staging = services_.spool.begin(event.envelope.body == Body::kBinaryMime);
  if (!staging) {
    services_.log.error("staging failed", {{"from", angle(event.envelope.sender)},
                                           {"cause", staging.error().describe()}});
    session_.refuse(lmtp::reply_to(staging.error()));
    return std::nullopt;
  }
  staging_.emplace(std::move(staging).value());
  id_ = spool::id_of(staging_->name());
  scribe_.message(id_);
  session_.accept_content({id_, sys::rfc5322_date(sys::Wall::now())});
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::Content& event) {
  scribe_.enter(State::kStaging);
  scribe_.count(Counter::kOctets, event.octets.size());
  auto stored = timed(Stage::kWrite, times_.write, [&] {
    return event.trace ? staging_->append_trace(event.octets) : staging_->append(event.octets);
  });
  if (!stored) {
    services_.log.error("staging failed", {{"id", spool::id_of(staging_->name())},
                                           {"cause", stored.error().describe()}});
    drop_staging();
    session_.content_failed(lmtp::reply_to(stored.error()));
    return std::nullopt;
  }
  if (declared_size_ > 0) {
    auto written = staging_->size();
    services_.spool.reserve_rest(declared_size_ > written ? declared_size_ - written : 0);
  }
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::ContentDropped&) {
  drop_staging();
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::ContentEnds& event) {
  auto final_dot = sys::Steady::now();
  // Content that comes before the last replies were heard: what is known of them now has to do.
  resolve_unread(sys::Steady::now() + kHearing);
  std::vector<std::string> places;
  for (const auto& delivery : event.deliveries) {
    places.push_back(delivery.recipient->mailbox.place());
  }
  scribe_.enter(State::kSync);
  scribe_.observe(Stage::kWrite, times_.write);
  auto complete =
      timed(Stage::kSync, times_.sync, [&] { return services_.spool.complete(*staging_, places); });
  if (!complete) {
    auto reply = lmtp::reply_to(complete.error());
    for (const auto& delivery : event.deliveries) {
      Result<spool::Delivered> failed = complete.error();
      log_outcome(event.envelope.sender, *delivery.recipient, reply, &failed);
    }
    drop_staging();
    session_.content_failed(reply);
    return std::nullopt;
  }
  services_.spool.release();
  // L12: a client that has gone will send again; what it cannot hear of is not delivered.
  if (stream_.peer_gone()) {
    services_.spool.confirmed();
    services_.log.warning("client gone, nothing delivered",
                          {{"id", spool::id_of(staging_->name())}, {"client", peer_.text}});
    return Ended::kBroken;
  }
  bool delivered_any = false;
  bool heard = true;
  auto outcomes = commit_together(event.deliveries);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& delivery = event.deliveries[i];
    // L10: the next commit waits for the disk, so what is known leaves first. Where the client no
    // longer listens the rest is left for its next try (RFC 2033 5).
    if (!outcomes[i]) {
      heard = heard && flush();
      if (!heard) continue;
    }
    auto result = outcomes[i] ? std::move(*outcomes[i]) : commit(delivery);
    auto reply = result ? lmtp::Reply(lmtp::say::kDelivered, {delivery.recipient->address.text()})
                        : reply_to_failure(result.error(), delivery.recipient->mailbox);
    delivered_any = delivered_any || result.ok();
    log_outcome(event.envelope.sender, *delivery.recipient, reply, &result);
    if (result && result.value().quota) {
      services_.quota_warner.delivered(delivery.recipient->mailbox, result.value().size,
                                       *result.value().quota);
    }
    // The last one ends the transaction, and the recipients with it.
    session_.settle(*delivery.recipient, reply);
  }
  heard = heard && flush();
  auto now = sys::Steady::now();
  scribe_.observe(Stage::kFinal, now - final_dot);
  scribe_.observe(Stage::kTransaction, now - times_.begin);
  auto report = session_.take_report();
  if (!delivered_any) {
    services_.spool.confirmed();
    drop_staging();
  } else {
    // The name in staging stays until the client is known to have read: it is what a retry after a
    // crash is recognised by.
    scribe_.count(Counter::kTransactions);
    services_.spool.replied();
    unread_.emplace(Unread{std::move(*staging_), std::move(report)});
    staging_.reset();
    // Mostly the replies are read at once, and the report need not wait for the next command.
    if (heard && unread_->report && stream_.drained(sys::Steady::now() + kHearing)) {
      resolve_unread_as(true);
    }
  }
  return heard ? std::nullopt : Next(Ended::kBroken);
}

// The replies to the last message: were they read? Looks until `deadline` at the latest.
void Pump::resolve_unread(sys::Deadline deadline) {
  if (unread_) resolve_unread_as(stream_.drained(deadline));
}

void Pump::resolve_unread_as(bool read) {
  if (!unread_) return;
  auto id = spool::id_of(unread_->staging.name());
  if (read) {
    // X8: one report of a delivery, when the client is known to have heard of it. Who has not heard
    // sends again, is recognised, and is reported of then.
    if (unread_->report) services_.reporter.send(*unread_->report, id);
    services_.spool.confirmed();
  } else {
    services_.log.warning("replies unread", {{"id", id}, {"client", peer_.text}});
    if (auto noted = services_.spool.vanished(unread_->staging); !noted) {
      services_.log.error("cannot guard against a retry",
                          {{"id", id}, {"cause", noted.error().describe()}});
    }
  }
  unread_.reset();
}

// cyrus#5032: a mailbox that is stuck must not take one worker after another.
template <class Action>
auto Pump::in_mailbox(const Mailbox& mailbox, Action action) -> decltype(action()) {
  if (is_put_off(mailbox)) return Error{kSlow, "recipients.slow-limit reached", mailbox.name()};
  if (!scribe_.enter_mailbox(board::mailbox_key(mailbox.name()),
                             services_.config.recipients.max_concurrent)) {
    scribe_.count(Counter::kCrowded);
    return Error{kBusy, "recipients.max-concurrent reached", mailbox.name()};
  }
  scribe_.enter(State::kCommit);
  auto begin = sys::Steady::now();
  auto result = action();
  times_.mailbox = sys::Steady::now() - begin;
  scribe_.leave_mailbox();
  return result;
}

void Pump::note_time(const Mailbox& mailbox, const Error* error) {
  if (error != nullptr && (error->code == kSlow || error->code == kBusy)) return;
  if (scribe_.took(board::mailbox_key(mailbox.name()), times_.mailbox, slowness_)) {
    services_.log.warning("mailbox slow, put off",
                          {{"mailbox", mailbox.name()},
                           {"commit", in_seconds(times_.mailbox)},
                           {"seconds", services_.config.recipients.slow_pause.count()}});
  }
}

std::vector<Pump::Committed> Pump::commit_together(const std::vector<lmtp::Delivery>& deliveries) {
  auto& spool = services_.spool;
  std::vector<Committed> outcomes(deliveries.size());
  if (!spool.syncs_together()) return outcomes;
  times_.commit = {};
  auto link = [&](const lmtp::Delivery& delivery) -> Committed {
    const auto& mailbox = delivery.recipient->mailbox;
    auto linked =
        in_mailbox(mailbox, [&] { return spool.link(*staging_, mailbox, delivery.header); });
    if (!linked) {
      note_time(mailbox, &linked.error());
      return linked.error();
    }
    if (!linked.value()) return {};
    note_time(mailbox, nullptr);
    return *linked.value();
  };
  auto synced = timed(Stage::kCommit, times_.commit, [&] {
    std::ranges::transform(deliveries, outcomes.begin(), link);
    return spool.sync_links(*staging_);
  });
  if (synced) return outcomes;
  for (auto& outcome : outcomes) {
    bool lost = outcome && outcome->ok() && !outcome->value().already;
    if (lost || !outcome) outcome = synced.error();
  }
  return outcomes;
}

Result<spool::Delivered> Pump::commit(const lmtp::Delivery& delivery) {
  const auto& mailbox = delivery.recipient->mailbox;
  times_.commit = {};
  auto result = in_mailbox(mailbox, [&] {
    return timed(Stage::kCommit, times_.commit,
                 [&] { return services_.spool.commit(*staging_, mailbox, delivery.header); });
  });
  note_time(mailbox, result ? nullptr : &result.error());
  return result;
}

bool Pump::is_put_off(const Mailbox& mailbox) {
  if (!scribe_.is_put_off(board::mailbox_key(mailbox.name()), slowness_)) return false;
  scribe_.count(Counter::kSlow);
  return true;
}

Pump::Next Pump::on(const lmtp::Closed&) {
  if (session_.gave_up()) ending_ = Ended::kRefused;
  bool heard = flush();
  if (heard) stream_.end(sys::Steady::now() + services_.config.session.command_timeout);
  stream_.end_output();
  return heard ? ending_ : Ended::kBroken;
}

void Pump::log_outcome(const Address& sender, const Recipient& recipient, const lmtp::Reply& reply,
                       const Result<spool::Delivered>* result) {
  const auto& facts = session_.header_facts();
  const auto& forwarded = session_.forwarded();
  sys::Fields fields{{"id", id_},
                     {"queue_id", forwarded.ident.empty() ? facts.queue_id : forwarded.ident},
                     {"from", angle(sender)},
                     {"to", angle(recipient.address)},
                     {"orig_to", recipient.original ? recipient.original->address : ""},
                     {"message_id", facts.message_id},
                     {"mailbox", recipient.mailbox.name()},
                     {"folder", recipient.mailbox.folder}};
  bool delivered = result != nullptr && result->ok();
  if (delivered) {
    fields.emplace_back("file", result->value().file);
    fields.emplace_back("size", result->value().size);
  }
  fields.emplace_back("client", peer_.text);
  fields.emplace_back("orig_client", forwarded.peer_or(""));
  fields.emplace_back("tls", tls_text());
  fields.emplace_back("auth", user_);
  fields.emplace_back("code", reply.code);
  fields.emplace_back("dsn", reply.status);
  fields.emplace_back("reply", reply.one_line());
  fields.emplace_back("delay", in_seconds(sys::Steady::now() - times_.begin));
  fields.emplace_back("lookup", in_seconds(times_.lookup));
  fields.emplace_back("write", in_seconds(times_.write));
  fields.emplace_back("sync", in_seconds(times_.sync));
  fields.emplace_back("commit", in_seconds(times_.commit));
  scribe_.count(reply.positive()        ? Counter::kDelivered
                : reply.code / 100 == 4 ? Counter::kDeferred
                                        : Counter::kRejected);
  if (delivered) {
    if (result->value().already) fields.emplace_back("status", "already-delivered");
    services_.log.info("delivered", fields);
    return;
  }
  if (result != nullptr) {
    scribe_.failure(
        reply.one_line().substr(0, reply.one_line().find(" <")) + ": " + result->error().what,
        recipient.address.text());
    fields.emplace_back("cause", result->error().describe());
  }
  if (reply.code / 100 == 4) {
    services_.log.error("deferred", fields);
  } else {
    services_.log.info("refused", fields);
  }
}

void Pump::log_refusals() {
  for (const auto& refused : session_.take_refused()) {
    log_outcome(refused.sender, refused.recipient, refused.reply, nullptr);
  }
  auto refusal = session_.take_refusal();
  if (refusal.empty()) return;
  services_.log.info("command refused",
                     {{"client", peer_.text}, {"tls", tls_text()}, {"reply", refusal}});
}

}  // namespace handoff::worker
