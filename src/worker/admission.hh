// Decides which deliveries may start. None waits for a mailbox that is busy or was slow, because
// one hanging mailbox must not block one worker after another (cyrus#5032).
#pragma once

#include <utility>

#include "board/slot_writer.hh"
#include "conf/config.hh"
#include "delivery/destination.hh"
#include "spool/destination.hh"
#include "sys/clock.hh"
#include "sys/log.hh"

namespace handoff::worker {

class Admission {
 public:
  // All arguments must outlive the object.
  Admission(const conf::Config& config, const sys::Log& log, board::SlotWriter& slot_writer);

  // Returns whether a delivery to the mailbox could start now: an error with Reason::kMailboxBusy
  // or kMailboxSlow, which is counted. Called at RCPT, so that content that would be refused is not
  // sent. If several workers get this far at once, enter() decides.
  Status check(const Mailbox& mailbox);
  // Calls `action`, which queries the destination. If the query may hang, it is admitted like a
  // delivery. May block.
  template <class Action>
  Status ask(const delivery::Destination& destination, Action action) {
    if (!destination.may_hang()) return action();
    auto result = enter(destination.mailbox(), action);
    // A quick answer says nothing about deliveries, which write to the disk.
    if (elapsed_ > slowness_.after) note_time(destination.mailbox(), result);
    return result;
  }

  // Calls `action`, which asks the host that has a mailbox; a host that was slow or silent is
  // treated like a slow mailbox: it is not asked for a while, so that it does not block one worker
  // after another. May block.
  template <class Action>
  auto ask_host(const Backend& backend, Action action) -> Result<decltype(action())> {
    auto host = host_of(backend);
    if (auto admitted = check_slow(host); !admitted) return admitted.error();
    slot_writer_.enter_mailbox(board::key_of(host.name()), 0);
    auto result = act(action);
    // A quick answer says nothing about deliveries.
    if (elapsed_ > slowness_.after) note_time(host);
    return result;
  }
  // Calls `action`, which waits for another host to deliver. What was sent cannot be taken back, so
  // the wait is not limited; its time is recorded for ask_host(). May block.
  template <class Action>
  auto await(const Backend& backend, Action action) -> decltype(action()) {
    auto host = host_of(backend);
    slot_writer_.enter_mailbox(board::key_of(host.name()), 0);
    auto result = act(action);
    note_time(host);
    return result;
  }

  // Wraps a destination at another host with await().
  class Awaited final : public spool::Destination {
   public:
    // `backend` outlives the object.
    Awaited(Admission& admission, spool::Destination& destination, const Backend& backend)
        : admission_(admission), destination_(destination), backend_(backend) {}
    bool is_elsewhere() const override { return true; }
    void start() override { destination_.start(); }
    Result<spool::Delivered> deliver(spool::Message& message, std::string_view personal) override {
      return admission_.await(backend_, [&] { return destination_.deliver(message, personal); });
    }

   private:
    Admission& admission_;
    spool::Destination& destination_;
    const Backend& backend_;
  };

  // Wraps a destination, so that each delivery to it must be admitted.
  class Admitted final : public spool::Destination {
   public:
    // `destination` delivers to `mailbox`.
    Admitted(Admission& admission, spool::Destination& destination, const Mailbox& mailbox)
        : admission_(admission), destination_(destination), mailbox_(mailbox) {}
    const Mailbox& mailbox() const { return mailbox_; }
    Result<std::optional<spool::Delivered>> link(spool::Message& message,
                                                 std::string_view personal) override;
    Result<spool::Delivered> deliver(spool::Message& message, std::string_view personal) override;

   private:
    Admission& admission_;
    spool::Destination& destination_;
    const Mailbox& mailbox_;
  };

 private:
  template <class Action>
  auto enter(const Mailbox& mailbox, Action action) -> decltype(action()) {
    if (auto admitted = begin(mailbox); !admitted) return admitted.error();
    return act(action);
  }
  // The mailbox has been entered.
  template <class Action>
  auto act(Action action) -> decltype(action()) {
    slot_writer_.enter(board::State::kCommit);
    auto begun = sys::Steady::now();
    auto result = action();
    elapsed_ = sys::Steady::now() - begun;
    slot_writer_.leave_mailbox();
    return result;
  }
  template <class T>
  void note_time(const Mailbox& mailbox, const Result<T>& result) {
    if (result || !is_refusal(result.error())) note_time(mailbox);
  }
  // Returns the name under which a host is listed among the mailboxes that are busy or slow.
  static Mailbox host_of(const Backend& backend) {
    Mailbox host;
    host.path = backend.text();
    return host;
  }
  static bool is_refusal(const Error& error);
  Status begin(const Mailbox& mailbox);
  Error busy(const Mailbox& mailbox);
  Status check_slow(const Mailbox& mailbox);
  // A delivery to the mailbox has ended: records whether it was slow.
  void note_time(const Mailbox& mailbox);

  const conf::Config& config_;
  const sys::Log& log_;
  board::SlotWriter& slot_writer_;
  const board::SlotWriter::Slowness slowness_;
  sys::Steady::duration elapsed_{};  // of the last action
};

}  // namespace handoff::worker
