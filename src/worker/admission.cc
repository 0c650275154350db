#include "worker/admission.hh"

#include <cerrno>

#include "worker/timed.hh"

namespace handoff::worker {

using board::Counter;

Admission::Admission(const conf::Config& config, const sys::Log& log,
                     board::SlotWriter& slot_writer)
    : config_(config),
      log_(log),
      slot_writer_(slot_writer),
      slowness_{config.recipients.slow_after,
                {config.recipients.slow_limit, config.recipients.slow_pause}} {}

Status Admission::check(const Mailbox& mailbox) {
  auto key = board::key_of(mailbox.name());
  if (slot_writer_.is_crowded(key, config_.recipients.max_concurrent)) return busy(mailbox);
  return check_slow(mailbox);
}

Error Admission::busy(const Mailbox& mailbox) {
  slot_writer_.count(Counter::kCrowded);
  return explained(EBUSY, "recipients.max-concurrent reached", mailbox.name(),
                   Reason::kMailboxBusy);
}

Status Admission::check_slow(const Mailbox& mailbox) {
  if (!slot_writer_.is_put_off(board::key_of(mailbox.name()), slowness_)) return {};
  slot_writer_.count(Counter::kSlow);
  return explained(EINPROGRESS, "recipients.slow-limit reached", mailbox.name(),
                   Reason::kMailboxSlow);
}

Status Admission::begin(const Mailbox& mailbox) {
  if (auto admitted = check_slow(mailbox); !admitted) return admitted;
  auto key = board::key_of(mailbox.name());
  if (!slot_writer_.enter_mailbox(key, config_.recipients.max_concurrent)) return busy(mailbox);
  return {};
}

bool Admission::is_refusal(const Error& error) {
  return error.reason == Reason::kMailboxBusy || error.reason == Reason::kMailboxSlow;
}

void Admission::note_time(const Mailbox& mailbox) {
  if (!slot_writer_.delivery_took(board::key_of(mailbox.name()), elapsed_, slowness_)) return;
  log_.warning("mailbox slow, its mail is deferred",
               {{"mailbox", mailbox.name()},
                {"commit", in_seconds(elapsed_)},
                {"seconds", config_.recipients.slow_pause.count()}});
}

Result<std::optional<spool::Delivered>> Admission::Admitted::link(spool::Message& message,
                                                                  std::string_view personal) {
  auto linked = admission_.enter(mailbox(), [&] { return destination_.link(message, personal); });
  // If link() leaves the work to deliver(), it was not a delivery.
  if (!linked || linked.value()) admission_.note_time(mailbox(), linked);
  return linked;
}

Result<spool::Delivered> Admission::Admitted::deliver(spool::Message& message,
                                                      std::string_view personal) {
  auto result =
      admission_.enter(mailbox(), [&] { return destination_.deliver(message, personal); });
  admission_.note_time(mailbox(), result);
  return result;
}

}  // namespace handoff::worker
