#include "worker/deliverer.hh"

#include <algorithm>
#include <cerrno>

#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "sys/process.hh"
#include "worker/timed.hh"

namespace handoff::worker {
namespace {

using board::Counter;
using board::Stage;

// Why a mailbox is not waited for.
const Error kBusy{EBUSY, "recipients.max-concurrent reached", {}};
const Error kSlow{EINPROGRESS, "recipients.slow-limit reached", {}};

bool is(const Error& one, const Error& kind) {
  return one.code == kind.code && one.what == kind.what;
}

Error with_path(Error error, const std::string& path) {
  error.path = path;
  return error;
}

}  // namespace

Deliverer::Deliverer(Services& services, board::Scribe& scribe)
    : services_(services),
      scribe_(scribe),
      slowness_{services.config.recipients.slow_after,
                {services.config.recipients.slow_limit, services.config.recipients.slow_pause}} {}

// cyrus#5032: a mailbox that is stuck must not take one worker after another.
template <class Action>
auto Deliverer::in_mailbox(const Mailbox& mailbox, Action action) -> decltype(action()) {
  if (is_slow(mailbox)) return with_path(kSlow, mailbox.name());
  if (!scribe_.enter_mailbox(board::mailbox_key(mailbox.name()),
                             services_.config.recipients.max_concurrent)) {
    scribe_.count(Counter::kCrowded);
    return with_path(kBusy, mailbox.name());
  }
  scribe_.enter(board::State::kCommit);
  auto begin = sys::Steady::now();
  auto result = action();
  in_mailbox_ = sys::Steady::now() - begin;
  scribe_.leave_mailbox();
  return result;
}

bool Deliverer::is_slow(const Mailbox& mailbox) {
  if (!scribe_.is_put_off(board::mailbox_key(mailbox.name()), slowness_)) return false;
  scribe_.count(Counter::kSlow);
  return true;
}

void Deliverer::note_time(const Mailbox& mailbox, const Error* error) {
  if (error != nullptr && is_put_off(*error)) return;
  if (scribe_.took(board::mailbox_key(mailbox.name()), in_mailbox_, slowness_)) {
    services_.log.warning("mailbox slow, put off",
                          {{"mailbox", mailbox.name()},
                           {"commit", in_seconds(in_mailbox_)},
                           {"seconds", services_.config.recipients.slow_pause.count()}});
  }
}

std::vector<std::optional<Deliverer::Outcome>> Deliverer::deliver_together(
    spool::Staging& staging, const std::vector<lmtp::Delivery>& deliveries) {
  auto& spool = services_.spool;
  std::vector<std::optional<Outcome>> outcomes(deliveries.size());
  if (!spool.syncs_together()) return outcomes;
  took_ = {};
  auto link = [&](const lmtp::Delivery& delivery) -> std::optional<Outcome> {
    const auto& mailbox = delivery.recipient->mailbox;
    auto linked = in_mailbox(
        mailbox, [&] { return services_.mailboxes.link(staging, mailbox, delivery.header); });
    if (!linked) {
      note_time(mailbox, &linked.error());
      return linked.error();
    }
    if (!linked.value()) return {};
    note_time(mailbox, nullptr);
    return *linked.value();
  };
  auto synced = timed(scribe_, Stage::kCommit, took_, [&] {
    std::ranges::transform(deliveries, outcomes.begin(), link);
    return spool.sync_links(staging);
  });
  if (synced) return outcomes;
  for (auto& outcome : outcomes) {
    bool lost = outcome && outcome->ok() && !outcome->value().already;
    if (lost || !outcome) outcome = synced.error();
  }
  return outcomes;
}

Deliverer::Outcome Deliverer::deliver(const spool::Staging& staging,
                                      const lmtp::Delivery& delivery) {
  const auto& mailbox = delivery.recipient->mailbox;
  took_ = {};
  auto result = in_mailbox(mailbox, [&] {
    return timed(scribe_, Stage::kCommit, took_,
                 [&] { return services_.mailboxes.commit(staging, mailbox, delivery.header); });
  });
  note_time(mailbox, result ? nullptr : &result.error());
  return result;
}

// A question that is soon answered says nothing of how deliveries go, which may write.
template <class Action>
Status Deliverer::look_into(const Mailbox& mailbox, Action action) {
  if (!sys::is_anothers(mailbox)) return action();
  auto result = in_mailbox(mailbox, action);
  if (in_mailbox_ > slowness_.after) note_time(mailbox, result ? nullptr : &result.error());
  return result;
}

Status Deliverer::choose_folder(Mailbox& mailbox, const std::string& detail) {
  return look_into(mailbox, [&] { return services_.mailboxes.choose_folder(mailbox, detail); });
}

Status Deliverer::check_quota(const Mailbox& mailbox, std::uint64_t size) {
  if (!services_.spool.has_quota(mailbox)) return {};
  return look_into(mailbox, [&] { return services_.mailboxes.check_quota(mailbox, size); });
}

std::optional<lmtp::Reply> Deliverer::put_off(const Mailbox& mailbox) {
  // Before the content comes in vain; those who come together are told apart when it is there.
  if (scribe_.is_crowded(board::mailbox_key(mailbox.name()),
                         services_.config.recipients.max_concurrent)) {
    scribe_.count(Counter::kCrowded);
    return put_off(kBusy, mailbox.address);
  }
  if (is_slow(mailbox)) return put_off(kSlow, mailbox.address);
  return {};
}

std::optional<lmtp::Reply> Deliverer::put_off(const Error& error, const std::string& address) {
  if (is(error, kBusy)) return lmtp::Reply(lmtp::say::kMailboxBusy, {address});
  if (is(error, kSlow)) return lmtp::Reply(lmtp::say::kMailboxSlow, {address});
  return {};
}

bool Deliverer::is_put_off(const Error& error) { return is(error, kBusy) || is(error, kSlow); }

lmtp::Reply Deliverer::reply_to(const Error& error, const Mailbox& mailbox) const {
  if (auto reply = put_off(error, mailbox.address)) return *reply;
  bool over = error.what == spool::kOverQuota;
  if (!over && error.what != spool::kMaybeOverQuota) return lmtp::reply_to(error);
  bool bounces = over && services_.config.quota.over == conf::QuotaOver::kBounce;
  return {bounces ? lmtp::say::kOverQuotaForGood : lmtp::say::kOverQuota, {mailbox.address}};
}

}  // namespace handoff::worker
