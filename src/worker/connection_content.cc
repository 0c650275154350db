// Content: writes it to the message, delivers it, and determines whether the replies were read.
#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "worker/connection.hh"
#include "worker/timed.hh"

namespace handoff::worker {
namespace {

// Before the next content is accepted, the worker waits at most this long for the client to
// read the replies to the previous message.
constexpr std::chrono::milliseconds kReplyGrace{100};

using board::Counter;
using board::Stage;
using board::State;

}  // namespace

Connection::Next Connection::on(const lmtp::ContentBegins& event) {
  if (!event.envelope.any_local()) {
    if (relay_) relay_->begin_content();
    id_ = services_.spool->new_id();
    slot_writer_.message(id_);
    session_.accept_content({id_, sys::rfc5322_date(sys::Wall::now())});
    return std::nullopt;
  }
  auto message = services_.spool->begin(event.envelope.body == Body::kBinaryMime, std::move(room_));
  if (!message) {
    const auto& error = message.error();
    auto reply = lmtp::reply_to(error);
    for (const auto& recipient : event.envelope.recipients) {
      count_outcome(reply);
      slot_writer_.refused(board::At::kContent, reply.code, reply.reason);
      note_failure(reply, error, recipient.address);
      services_.log.error(
          "staging failed",
          refusal_fields(session_.sender(), recipient.address.bracketed(), reply, &error));
    }
    session_.refuse(reply);
    return std::nullopt;
  }
  message_.emplace(std::move(message).value());
  if (relay_) relay_->begin_content();
  id_ = message_->id();
  slot_writer_.message(id_);
  session_.accept_content({id_, sys::rfc5322_date(sys::Wall::now())});
  return std::nullopt;
}

Connection::Next Connection::on(const lmtp::Content& event) {
  slot_writer_.enter(State::kStaging);
  slot_writer_.count(Counter::kOctets, event.octets.size());
  if (!message_) return std::nullopt;
  auto stored = timed(slot_writer_, Stage::kWrite, times_.write, [&] {
    return event.trace ? message_->append_trace(event.octets) : message_->append(event.octets);
  });
  if (!stored) fail_storing(stored.error());
  return std::nullopt;
}

Connection::Next Connection::on(const lmtp::RawContent& event) {
  slot_writer_.enter(State::kStaging);
  if (auto kept = relay_->append(event.octets); !kept) fail_storing(kept.error());
  return std::nullopt;
}

void Connection::fail_storing(const Error& error) {
  // Each recipient gets its own log line when the rest of the content has been read.
  content_error_ = error;
  auto reply = lmtp::reply_to(error);
  services_.log.error("staging failed", refusal_fields(session_.sender(), {}, reply, &error));
  message_.reset();
  relay_.reset();
  session_.content_failed(reply);
}

Connection::Next Connection::on(const lmtp::ContentDropped&) {
  message_.reset();
  relay_.reset();
  return std::nullopt;
}

Connection::Next Connection::on(const lmtp::ContentEnds& event) {
  auto final_dot = sys::Steady::now();
  // Before the next message is complete, it must be known whether the previous replies were read.
  resolve_unread(final_dot + kReplyGrace);
  std::vector<std::string> places;
  std::vector<Admission::Admitted> admitted;
  std::vector<Admission::Awaited> awaited;
  std::vector<spool::Message::Delivery> deliveries;
  admitted.reserve(event.deliveries.size());
  awaited.reserve(event.deliveries.size());
  filtered_.clear();
  for (const auto& [recipient, header] : event.deliveries) {
    const auto& mailbox = recipient->mailbox;
    auto& filtered = filtered_.emplace_back();
    if (mailbox.backend) {
      awaited.emplace_back(admission_, relay_->destination(mailbox), *mailbox.backend);
      deliveries.push_back({&awaited.back(), {}});
      continue;
    }
    places.push_back(recipient->mailbox.place());
    auto& inner = *destinations_.at(places.back());
    spool::Destination* destination = &inner;
    if (services_.config.sieve.enabled)
      destination = &filtered.emplace(services_, inner, event.envelope.sender, *recipient);
    admitted.emplace_back(admission_, *destination, inner.mailbox());
    deliveries.push_back({&admitted.back(), header});
  }
  slot_writer_.enter(State::kSync);
  slot_writer_.observe(Stage::kWrite, times_.write);
  if (message_) {
    auto complete =
        timed(slot_writer_, Stage::kSync, times_.sync, [&] { return message_->complete(places); });
    if (!complete) return fail_content(event, complete.error());
  }
  // L12: a client that has gone will send the message again, so it is not delivered now.
  auto end = stream_.peer_end();
  if (end == sys::Stream::PeerEnd::kClosed) {
    message_.reset();
    relay_.reset();
    services_.log.warning("client gone, nothing delivered", {{"id", id_}, {"client", peer_.text}});
    return Ended::kBroken;
  }
  if (message_ && end == sys::Stream::PeerEnd::kHalfClosed) message_->client_half_closed();
  sys::Log::Together lines(services_.log);
  bool taken = true;  // the client reads its replies
  auto answer = [&] {
    lines.flush();  // first, so that a client that has read a reply finds its line in the log
    taken = taken && flush();
    return taken;
  };
  // L10: known replies are sent before the next recipient waits for the disk.
  bool delivered = false;
  spool::Message::Progress progress{.may_wait = answer,
                                    .step_done =
                                        [&](sys::Steady::duration elapsed) {
                                          times_.commit = elapsed;
                                          slot_writer_.observe(Stage::kCommit, elapsed);
                                        },
                                    .settled =
                                        [&](std::size_t i, const auto& outcome) {
                                          delivered = delivered || outcome.ok();
                                          settle(event, i, outcome);
                                        }};
  if (message_) {
    message_->deliver(deliveries, progress);
  } else {
    pass_on(event, progress);
  }
  filtered_.clear();
  answer();
  auto now = sys::Steady::now();
  slot_writer_.observe(Stage::kFinal, now - final_dot);
  slot_writer_.observe(Stage::kTransaction, now - times_.begin);
  auto report = session_.take_report();
  if (delivered) {
    slot_writer_.count(Counter::kTransactions);
    penalties_.delivered();
    if (message_) message_->replies_written();
    unread_.emplace(Unread{id_, std::move(message_), std::move(relay_), std::move(report)});
    // Usually the replies are read immediately, so the report need not wait for the next command.
    bool report_due = taken && unread_->report;
    if (report_due && stream_.drained(sys::Steady::now() + kReplyGrace)) resolve_unread_as(true);
  }
  message_.reset();
  // Nothing was promised, so it does not matter whether the client reads the replies. But if the
  // client has gone, a backend may have promised something that the client was not told.
  if (relay_ && taken) relay_->replies_read();
  relay_.reset();
  return taken ? std::nullopt : Next(Ended::kBroken);
}

void Connection::pass_on(const lmtp::ContentEnds& event, const spool::Message::Progress& progress) {
  for (std::size_t i = 0; i < event.deliveries.size() && progress.may_wait(); ++i) {
    auto begin = sys::Steady::now();
    // Settling the last one destroys the recipients.
    const auto& mailbox = event.deliveries[i].recipient->mailbox;
    auto outcome = admission_.await(*mailbox.backend, [&] { return relay_->await(mailbox); });
    progress.step_done(sys::Steady::now() - begin);
    progress.settled(i, outcome);
  }
}

void Connection::settle(const lmtp::ContentEnds& event, std::size_t index,
                        const spool::Message::Outcome& outcome) {
  const auto& recipient = *event.deliveries[index].recipient;
  const auto& mailbox = recipient.mailbox;
  auto reply = mailbox.backend ? relay_->reply(mailbox)
               : outcome       ? lmtp::Reply(lmtp::say::kDelivered, {recipient.address.text()})
                               : reply_to(outcome.error(), mailbox.address);
  const auto* filtered = filtered_[index] ? &*filtered_[index] : nullptr;
  if (filtered != nullptr && filtered->ran()) {
    slot_writer_.count(Counter::kScriptRuns);
    slot_writer_.count(Counter::kScriptSteps, filtered->steps());
    if (filtered->failed()) slot_writer_.count(Counter::kScriptErrors);
    for (const auto& done : filtered->done()) {
      if (!outcome) break;
      if (done.action == "redirect") slot_writer_.count(Counter::kRedirects);
      if (done.action == "vacation" || done.action == "notify")
        slot_writer_.count(Counter::kReplies);
    }
  }
  log_outcome(event.envelope.sender, recipient, reply, &outcome, filtered);
  if (outcome && outcome.value().quota) {
    services_.quota_warner.delivered(mailbox, outcome.value().size, *outcome.value().quota);
  }
  // Edited messages take memory.
  filtered_[index].reset();
  // The last reply ends the transaction and destroys the recipients.
  session_.settle(recipient, reply);
}

Connection::Next Connection::fail_content(const lmtp::ContentEnds& event, const Error& error) {
  auto reply = lmtp::reply_to(error);
  for (const auto& delivery : event.deliveries) {
    spool::Message::Outcome failed = error;
    log_outcome(event.envelope.sender, *delivery.recipient, reply, &failed);
  }
  message_.reset();
  relay_.reset();
  session_.content_failed(reply);
  return std::nullopt;
}

void Connection::resolve_unread(sys::Deadline deadline) {
  if (unread_) resolve_unread_as(stream_.drained(deadline));
}

// Call before a 421 is written: afterwards, unread octets could be those of the 421 and say nothing
// about the replies before it.
void Connection::resolve_if_read() {
  if (unread_ && !peer_.ip && stream_.drained(sys::Steady::now())) resolve_unread_as(true);
}

void Connection::resolve_unread_as(bool read) {
  if (!unread_) return;
  auto& [id, message, relay, report] = *unread_;
  if (read) {
    // X8: a delivery is reported when the client is known to have read its reply. Otherwise the
    // client sends the message again, the retry is recognised, and the report is sent then.
    if (report) services_.reporter.send(*report, id);
    if (message) message->replies_read();
    if (relay) relay->replies_read();
  } else {
    services_.log.warning("replies unread", {{"id", id}, {"client", peer_.text}});
    relay.reset();  // breaks off, so that the backends know that the replies were not read
    auto noted = message ? message->replies_unread() : Status();
    if (!noted) {
      services_.log.error("cannot prepare for a retry of the message",
                          {{"id", id}, {"cause", noted.error().describe()}});
    }
  }
  unread_.reset();
}

}  // namespace handoff::worker
