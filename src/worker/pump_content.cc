// Content: into staging, into the mailboxes, and whether its replies were read.
#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "worker/pump.hh"
#include "worker/timed.hh"

namespace handoff::worker {
namespace {

// How long it may take to see whether the replies to a message were read, when the next content is
// there already.
constexpr std::chrono::milliseconds kHearing{100};

using board::Counter;
using board::Stage;
using board::State;

}  // namespace

Pump::Next Pump::on(const lmtp::ContentBegins& event) {
  auto staging = services_.spool.begin(event.envelope.body == Body::kBinaryMime);
  if (!staging) {
    services_.log.error("staging failed", {{"from", event.envelope.sender.bracketed()},
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
  auto stored = timed(scribe_, Stage::kWrite, times_.write, [&] {
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
  auto complete = timed(scribe_, Stage::kSync, times_.sync,
                        [&] { return services_.spool.complete(*staging_, places); });
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
  auto end = stream_.peer_end();
  if (end == sys::Stream::PeerEnd::kClosed) {
    services_.spool.confirmed();
    services_.log.warning("client gone, nothing delivered",
                          {{"id", spool::id_of(staging_->name())}, {"client", peer_.text}});
    return Ended::kBroken;
  }
  if (end == sys::Stream::PeerEnd::kHalfClosed) services_.spool.half_closed();
  bool delivered_any = false;
  bool heard = true;
  auto outcomes = deliverer_.deliver_together(*staging_, event.deliveries);
  sys::Log::Together lines(services_.log);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto& delivery = event.deliveries[i];
    // L10: the next commit waits for the disk, so what is known leaves first. Where the client no
    // longer listens the rest is left for its next try (RFC 2033 5).
    if (!outcomes[i]) {
      lines.flush();
      heard = heard && flush();
      if (!heard) continue;
    }
    auto result = outcomes[i] ? std::move(*outcomes[i]) : deliverer_.deliver(*staging_, delivery);
    auto reply = result ? lmtp::Reply(lmtp::say::kDelivered, {delivery.recipient->address.text()})
                        : deliverer_.reply_to(result.error(), delivery.recipient->mailbox);
    delivered_any = delivered_any || result.ok();
    log_outcome(event.envelope.sender, *delivery.recipient, reply, &result);
    if (result && result.value().quota) {
      services_.quota_warner.delivered(delivery.recipient->mailbox, result.value().size,
                                       *result.value().quota);
    }
    // The last one ends the transaction, and the recipients with it.
    session_.settle(*delivery.recipient, reply);
  }
  lines.flush();  // who reads a reply finds its line in a log that is no syslog
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

}  // namespace handoff::worker
