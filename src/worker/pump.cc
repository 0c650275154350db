#include "worker/pump.hh"

#include <algorithm>
#include <variant>

#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "sys/signals.hh"

namespace handoff::worker {
namespace {

// Octets. Commands need little; content fills whatever it is given.
constexpr std::size_t kCommandBuffer = 4 << 10;
constexpr std::size_t kContentBuffer = 256 << 10;
// A stop waits this long for a client that has a transaction open and no data begun.
constexpr std::chrono::seconds kStopGrace{10};

std::string angle(const Address& address) { return "<" + address.text() + ">"; }

}  // namespace

Pump::Pump(Services& services, sys::Stream stream, sys::Peer peer)
    : services_(services),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      session_(services.session_options, {peer_.text, is_trusted()}),
      buffer_(kCommandBuffer) {}

Ended Pump::run(std::atomic<std::uint64_t>& transactions) {
  transactions_ = &transactions;
  if (!is_allowed()) {
    session_.refuse_peer(peer_.text);
    ending_ = Ended::kRefused;
    services_.log.warning("refused client", {{"client", peer_.text}, {"cause", "allow"}});
  }
  for (;;) {
    auto ended = std::visit([this](const auto& event) { return on(event); }, session_.next(input_));
    log_refusal();
    if (ended) return *ended;
  }
}

// L11: TCP clients come from configured networks alone.
bool Pump::is_allowed() const {
  return !peer_.ip || std::ranges::any_of(services_.config.allow, [&](const Network& network) {
    return network.contains(*peer_.ip);
  });
}

// Unix sockets and standard input come from this host; who may open them is the socket's mode.
bool Pump::is_trusted() const {
  return std::ranges::any_of(services_.config.trusted,
                             [&](const PeerGroup& group) { return group.contains(peer_.ip); });
}

bool Pump::flush() {
  auto& output = session_.output();
  if (output.empty()) return true;
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
  if (sys::stop_requested() && !session_.in_transaction()) return stop();
  auto size = session_.in_content() ? kContentBuffer : kCommandBuffer;
  if (buffer_.size() != size) buffer_ = std::vector<char>(size);
  auto before = sys::Steady::now();
  auto until = deadline();
  // In a transaction a stop does not cut; its grace is a deadline. In content not even that.
  bool stoppable = !session_.in_content() && !stop_deadline_;
  auto got = stream_.read(buffer_.data(), buffer_.size(), until, stoppable);
  switch (got.got) {
    case sys::Stream::Got::kOctets:
      input_ = {buffer_.data(), got.size};
      return std::nullopt;
    case sys::Stream::Got::kStop:
      return stop();
    case sys::Stream::Got::kTimeout:
      if (stop_deadline_ && sys::Steady::now() >= *stop_deadline_) {
        stop_deadline_.reset();
        session_.shut_down();
        ending_ = Ended::kShutdown;
        return std::nullopt;
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

// S11: at once between transactions, with a grace for one that is open, and never in its data.
Pump::Next Pump::stop() {
  if (session_.in_transaction()) {
    stop_deadline_ = sys::Steady::now() + kStopGrace;
    return std::nullopt;
  }
  session_.shut_down();
  ending_ = Ended::kShutdown;
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::MailBegins& event) {
  transaction_deadline_ = sys::Steady::now() + services_.config.session.transaction_timeout;
  auto size = event.envelope.declared_size.value_or(0);
  if (size > 0) {
    // A spool that cannot be asked is no reason to refuse: writing will tell.
    auto space = services_.spool.space();
    if (space && space.value().free_octets < size) {
      session_.refuse({lmtp::say::kNoRoom, {std::to_string(size)}});
      services_.log.warning("no room", {{"size", size}, {"free", space.value().free_octets}});
      return std::nullopt;
    }
  }
  session_.accept_mail();
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::RecipientNamed& event) {
  auto mailbox = services_.resolver().resolve(event.address);
  if (!mailbox) {
    auto reply = lmtp::reply_to_lookup_failure();
    services_.log.error("lookup failed", {{"to", angle(event.address)},
                                          {"client", peer_.text},
                                          {"reply", reply.one_line()},
                                          {"cause", mailbox.error().describe()}});
    session_.refuse(reply);
  } else if (!mailbox.value()) {
    lmtp::Reply reply(lmtp::say::kUnknownRecipient, {event.address.text()});
    services_.log.info(
        "refused",
        {{"to", angle(event.address)}, {"client", peer_.text}, {"reply", reply.one_line()}});
    session_.refuse(reply);
  } else if (event.verify && !services_.resolver().tells()) {
    session_.cannot_verify();
  } else {
    session_.accept_recipient(std::move(*mailbox.value()));
  }
  return std::nullopt;
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
  session_.accept_content({spool::id_of(staging_->name()), sys::rfc5322_date(sys::Wall::now())});
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::Content& event) {
  if (auto stored = staging_->append(event.octets); !stored) {
    services_.log.error("staging failed", {{"id", spool::id_of(staging_->name())},
                                           {"cause", stored.error().describe()}});
    drop_staging();
    session_.content_failed(lmtp::reply_to(stored.error()));
  }
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::ContentDropped&) {
  drop_staging();
  return std::nullopt;
}

Pump::Next Pump::on(const lmtp::ContentEnds& event) {
  // L12: a client that has gone will send again; what it cannot hear of is not delivered.
  if (stream_.peer_gone()) return Ended::kBroken;
  if (auto complete = staging_->complete(); !complete) {
    auto reply = lmtp::reply_to(complete.error());
    for (const auto& delivery : event.deliveries) {
      log_outcome(event.envelope, delivery, complete.error(), reply);
    }
    drop_staging();
    session_.content_failed(reply);
    return std::nullopt;
  }
  bool delivered_any = false;
  for (const auto& delivery : event.deliveries) {
    // L10: the next commit waits for the disk, so what is known leaves first. Where the client no
    // longer listens the rest is left for its next try (RFC 2033 5).
    if (!flush()) return Ended::kBroken;
    const auto& mailbox = delivery.recipient->mailbox;
    auto result = services_.spool.commit(*staging_, mailbox, delivery.header);
    auto reply = result ? lmtp::Reply(lmtp::say::kDelivered, {delivery.recipient->address.text()})
                        : lmtp::reply_to(result.error());
    delivered_any = delivered_any || result.ok();
    log_outcome(event.envelope, delivery, result, reply);
    session_.settle(*delivery.recipient, reply);
  }
  if (delivered_any) transactions_->fetch_add(1, std::memory_order_relaxed);
  // The replies go before the staging name does: they are what the client waits for.
  bool heard = flush();
  drop_staging();
  return heard ? std::nullopt : Next(Ended::kBroken);
}

// Neither is offered (SessionPeer), so neither comes.
Pump::Next Pump::on(const lmtp::TlsBegins&) { std::abort(); }
Pump::Next Pump::on(const lmtp::AuthStep&) { std::abort(); }

Pump::Next Pump::on(const lmtp::Closed&) {
  bool heard = flush();
  return heard ? ending_ : Ended::kBroken;
}

void Pump::log_outcome(const Envelope& envelope, const lmtp::Delivery& delivery,
                       const Result<spool::Delivered>& result, const lmtp::Reply& reply) {
  const auto& recipient = *delivery.recipient;
  const auto& facts = session_.header_facts();
  const auto& forwarded = session_.forwarded();
  sys::Fields fields{{"id", spool::id_of(staging_->name())},
                     {"queue_id", forwarded.ident.empty() ? facts.queue_id : forwarded.ident},
                     {"from", angle(envelope.sender)},
                     {"to", angle(recipient.address)},
                     {"orig_to", recipient.original ? recipient.original->address : ""},
                     {"message_id", facts.message_id},
                     {"mailbox", recipient.mailbox.path},
                     {"folder", recipient.mailbox.folder}};
  if (result) {
    fields.emplace_back("file", result.value().file);
    fields.emplace_back("size", result.value().size);
  }
  fields.emplace_back("client", peer_.text);
  fields.emplace_back("orig_client", forwarded.peer_or(""));
  fields.emplace_back("reply", reply.one_line());
  if (result) {
    services_.log.info("delivered", fields);
  } else {
    fields.emplace_back("cause", result.error().describe());
    services_.log.error("deferred", fields);
  }
}

void Pump::log_refusal() {
  auto refusal = session_.take_refusal();
  if (refusal.empty()) return;
  services_.log.info("command refused", {{"client", peer_.text}, {"reply", refusal}});
}

}  // namespace handoff::worker
