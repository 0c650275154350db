#include "spool/message.hh"

#include <cstdlib>
#include <utility>

#include "spool/name.hh"
#include "spool/spool.hh"

namespace handoff::spool {

Message::Message(Message&& other) noexcept
    : spool_(other.spool_),
      effects_(std::move(other.effects_)),
      staging_(std::move(other.staging_)),
      room_(std::move(other.room_)),
      phase_(std::exchange(other.phase_, Phase::kOver)),
      is_entered_(std::exchange(other.is_entered_, false)),
      delivered_(other.delivered_),
      tries_(std::move(other.tries_)),
      links_(std::move(other.links_)),
      stored_(std::move(other.stored_)),
      editions_(std::move(other.editions_)) {}

Message::~Message() {
  if (phase_ == Phase::kDelivered && delivered_) replies_written();
  if (phase_ == Phase::kReplied) static_cast<void>(replies_unread().ok());
  forget();
}

void Message::require(Phase phase) const {
  if (phase_ != phase) std::abort();
}

// If a name was left in a mailbox, a retry must find it. A message with the plan of a script is
// left out: its record may remain, and would tell the retry that all copies are there (effects.hh).
void Message::forget() {
  if (spool_->writer().take_left_name() && is_entered_ && !effects_) {
    static_cast<void>(remember().ok());
  } else if (std::exchange(is_entered_, false)) {
    spool_->leave_ledger();
  }
}

Status Message::remember() {
  is_entered_ = false;
  auto noted = spool_->note(staging_.name(), staging_.size());
  if (noted) return noted;
  staging_.keep();
  return spool_->cause_of(noted.error());
}

std::string Message::id() const { return id_of(staging_.name()); }

Status Message::append_trace(std::string_view octets) {
  require(Phase::kReceiving);
  return staging_.append_trace(octets);
}

Status Message::append(std::string_view octets) {
  require(Phase::kReceiving);
  auto done = staging_.append(octets);
  room_.written(staging_.size());
  return done;
}

Status Message::complete(const std::vector<std::string>& places) {
  require(Phase::kReceiving);
  if (std::exchange(spool_->has_entered_, true)) std::abort();
  is_entered_ = true;
  if (auto written = staging_.end_content(); !written) return written;
  // Entered before the sync, so that a retry that overtakes it sees that this try is in progress.
  spool_->guard_->enter(staging_, places);
  if (auto done = staging_.complete(); !done) return spool_->cause_of(done.error());
  // Checked before anything is in a mailbox, because a message in a hidden directory must not be
  // answered with 250.
  if (auto here = spool_->check_place(); !here) return here;
  room_.release();
  phase_ = Phase::kComplete;
  return {};
}

void Message::client_half_closed() {
  require(Phase::kComplete);
  tries_.half_closed = true;
}

// The durable sequence. If the filesystem can sync many names at once, every destination that can
// is linked, and one sync of the file makes all of these names durable. Any other destination syncs
// by itself, after the replies before it have been sent.
void Message::deliver(const std::vector<Delivery>& deliveries, const Progress& progress) {
  require(Phase::kComplete);
  auto timed = [&](auto action) {
    auto begin = sys::Steady::now();
    auto result = action();
    progress.step_done(sys::Steady::now() - begin);
    return result;
  };
  for (const auto& delivery : deliveries) delivery.destination->start();
  std::vector<std::optional<Outcome>> outcomes(deliveries.size());
  if (spool_->syncs_together()) outcomes = timed([&] { return link_all(deliveries); });
  for (std::size_t i = 0; i < deliveries.size(); ++i) {
    auto& outcome = outcomes[i];
    if (!outcome) {
      if (!progress.may_wait()) continue;
      const auto& delivery = deliveries[i];
      outcome = timed([&] { return delivery.destination->deliver(*this, delivery.personal); });
      if (*outcome) {
        commit_effects();
      } else {
        undo({});
      }
    }
    if (!*outcome) outcome = spool_->cause_of(outcome->error());
    delivered_ = delivered_ || outcome->ok();
    progress.settled(i, *outcome);
  }
  phase_ = Phase::kDelivered;
}

std::vector<std::optional<Message::Outcome>> Message::link_all(
    const std::vector<Delivery>& deliveries) {
  std::vector<std::optional<Outcome>> outcomes;
  is_sharing_ = true;
  for (const auto& [destination, personal] : deliveries) {
    auto before = done();
    auto linked = destination->link(*this, personal);
    if (!linked || !linked.value()) undo(before);
    outcomes.push_back(!linked          ? std::optional<Outcome>(linked.error())
                       : linked.value() ? std::optional<Outcome>(*std::move(linked).value())
                                        : std::nullopt);
  }
  if (auto synced = sync_links(); !synced) {
    // The remaining destinations may not use the file either, because its data may be lost.
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      auto& outcome = outcomes[i];
      bool holds = deliveries[i].destination->is_elsewhere() ||
                   (outcome && (!outcome->ok() ||
                                (outcome->value().already && !outcome->value().awaits_sync)));
      if (!holds) outcome = synced.error();
    }
  }
  return outcomes;
}

// After a failure none of the names remains: after a 4xx the client sends the message again and
// must not find it there.
Status Message::sync_links() {
  is_sharing_ = false;
  // Edited texts are synced first, because a durable record asserts that they are durable too.
  Status synced;
  for (auto& edition : editions_) {
    if (synced) synced = edition.staging.sync_names();
  }
  if (synced) synced = staging_.sync_names();
  if (!synced) {
    stored_.clear();
    undo({});
    return synced;
  }
  for (const auto& [mailbox, delivered] : std::exchange(links_, {})) {
    spool_->writer().count(mailbox, delivered);
  }
  commit_effects();
  return {};
}

void Message::undo(const Done& to) {
  if (effects_) effects_->drop(to.effects);
  while (links_.size() > to.links) {
    spool_->writer().unlink(staged(), links_.back().mailbox, links_.back().delivered.file);
    links_.pop_back();
  }
}

Staged Message::staged() const {
  return {staging_.name(), staging_.size(), staging_.content_offset(), &staging_.directory()};
}

Result<std::optional<Delivered>> Message::link_into(const Mailbox& mailbox,
                                                    std::string_view personal) {
  if (!personal.empty()) return std::optional<Delivered>();
  auto earlier = find_earlier_here(mailbox);
  if (!earlier || earlier.value()) return earlier;
  auto linked = spool_->writer().link(staged(), mailbox, pending_in(mailbox));
  if (linked && linked.value()) links_.push_back({mailbox, *linked.value()});
  return linked;
}

Message::Outcome Message::write_into(const Mailbox& mailbox, std::string_view personal) {
  auto earlier = find_earlier_here(mailbox);
  if (!earlier) return earlier.error();
  if (earlier.value()) return *std::move(earlier).value();
  return spool_->writer().deliver(staged(), mailbox, personal);
}

Result<std::optional<Delivered>> Message::find_earlier_here(const Mailbox& mailbox) {
  return find_earlier(mailbox, [&](const std::vector<std::string>& names) {
    return spool_->writer().find_earlier(staged(), mailbox, names);
  });
}

Result<std::optional<Delivered>> Message::find_earlier(const Mailbox& mailbox,
                                                       const Guard::Search& search) {
  auto file = spool_->guard_->find_earlier(tries_, staging_, mailbox.place(), search);
  if (!file) return file.error();
  if (!file.value()) return std::optional<Delivered>();
  return std::optional(Delivered{*file.value(), staging_.size(), false, true});
}

Status Message::note_uncertain(const Mailbox& mailbox) {
  return spool_->guard_->note_uncertain(staging_, mailbox.place());
}

// Returns what the message has added to the mailbox, in any folder, and has not been counted yet.
QuotaUse Message::pending_in(const Mailbox& mailbox) const {
  QuotaUse use;
  for (const auto& link : links_) {
    if (!link.delivered.quota || link.mailbox.name() != mailbox.name()) continue;
    use.size += link.delivered.size;
    ++use.messages;
  }
  return use;
}

void Message::replies_written() {
  require(Phase::kDelivered);
  if (!delivered_) std::abort();
  spool_->guard_->replied();
  phase_ = Phase::kReplied;
}

void Message::replies_read() {
  require(Phase::kReplied);
  phase_ = Phase::kOver;
  forget();
  spool_->guard_->mark_answered(tries_);
}

Status Message::replies_unread() {
  require(Phase::kReplied);
  phase_ = Phase::kOver;
  if (effects_) effects_->keep_records();
  return remember();
}

Effects& Message::effects() {
  if (!effects_) effects_ = std::make_unique<Effects>(*spool_);
  return *effects_;
}

void Message::commit_effects() {
  if (effects_ && !effects_->commit()) effects_->keep_records();
}

Status Message::queue(const std::string& key, const Outgoing& outgoing) {
  return effects().queue(staged(), key, outgoing, is_sharing_);
}

Status Message::mark(const UserMark& mark) { return effects().mark(mark, is_sharing_); }

void Message::mark_recorded(const UserMark& mark) { effects().mark_recorded(mark, is_sharing_); }

Status Message::record(const std::string& key) {
  return effects().record(staged(), key, is_sharing_);
}

Result<bool> Message::find_record(const std::string& place, const std::string& key) {
  auto found = spool_->guard_->find_earlier(tries_, staging_, place,
                                            [&](const std::vector<std::string>& names) {
                                              return spool_->find_record(names, key, staged());
                                            });
  if (!found) return found.error();
  return found.value().has_value();
}

}  // namespace handoff::spool
