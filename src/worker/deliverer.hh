// A complete message into its mailboxes, without waiting for one that is busy or slow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.hh"
#include "board/scribe.hh"
#include "lmtp/reply.hh"
#include "lmtp/session.hh"
#include "spool/spool.hh"
#include "spool/staging.hh"
#include "sys/clock.hh"
#include "worker/services.hh"

namespace handoff::worker {

class Deliverer {
 public:
  // Both outlive the object.
  Deliverer(Services& services, board::Scribe& scribe);

  using Outcome = Result<spool::Delivered>;
  // Those that one sync makes durable together, in the order of `deliveries`; the others are
  // nothing, and deliver() is for them. May block on the disk.
  std::vector<std::optional<Outcome>> deliver_together(
      spool::Staging& staging, const std::vector<lmtp::Delivery>& deliveries);
  // One mailbox, durable with return. May block on the disk.
  Outcome deliver(const spool::Staging& staging, const lmtp::Delivery& delivery);
  // What the last of either took.
  sys::Steady::duration took() const { return took_; }

  // Questions about another's mailbox, whose home may hang as its deliveries may: it is waited for
  // as those are. See Mailboxes. May block.
  Status choose_folder(Mailbox& mailbox, const std::string& detail);
  Status check_quota(const Mailbox& mailbox, std::uint64_t size);

  // Whether the mailbox cannot be waited for now: the reply that says so, which is counted.
  std::optional<lmtp::Reply> put_off(const Mailbox& mailbox);
  // The same where that is why a question has failed, for the recipient `address`.
  static std::optional<lmtp::Reply> put_off(const Error& error, const std::string& address);
  static bool is_put_off(const Error& error);
  // EDQUOT of a mailbox's own quota is answered as quota.over says.
  lmtp::Reply reply_to(const Error& error, const Mailbox& mailbox) const;

 private:
  template <class Action>
  auto in_mailbox(const Mailbox& mailbox, Action action) -> decltype(action());
  template <class Action>
  Status look_into(const Mailbox& mailbox, Action action);
  bool is_slow(const Mailbox& mailbox);
  // That was a delivery to it, however it ended: whether it was slow is remembered.
  void note_time(const Mailbox& mailbox, const Error* error);

  Services& services_;
  board::Scribe& scribe_;
  const board::Scribe::Slowness slowness_;
  sys::Steady::duration took_{};
  sys::Steady::duration in_mailbox_{};  // of the last mailbox alone
};

}  // namespace handoff::worker
