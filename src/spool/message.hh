// One message, from its first octet until it is known whether the client has read its replies:
// everything that a transaction has in the spool. The states are those of README.
//
//   auto room = spool.reserve(size);                  // at MAIL
//   auto message = spool.begin(binary, room);         // "receiving"
//   message.append_trace(header); message.append(...);
//   message.complete(places);                         // "complete"
//   message.deliver(deliveries, progress);            // "linked", then "handed over"
//   message.replies_written();
//   message.replies_read();                           // or replies_unread()
//
// A call out of this order aborts. Destroying the object before deliver() has succeeded for anyone
// abandons the message: nothing of it remains. Destroying it later without replies_read() counts as
// replies_unread().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/destination.hh"
#include "spool/effects.hh"
#include "spool/guard.hh"
#include "spool/ledger.hh"
#include "spool/order.hh"
#include "spool/staged.hh"
#include "spool/staging.hh"
#include "sys/clock.hh"

namespace handoff::spool {

class Spool;

class Message {
 public:
  Message(Message&& other) noexcept;
  Message& operator=(Message&&) = delete;
  ~Message();

  // Returns the message's id in the log and in Received:.
  std::string id() const;

  // Appends the trace header, then content, in lines that end in CRLF. May write and block. After
  // an error of these functions or of complete() the message may only be destroyed.
  Status append_trace(std::string_view octets);
  Status append(std::string_view octets);
  // The content has ended: writes it to disk. `places` are those of its mailboxes. From now on a
  // retry is recognised. At most one message of a spool is in this state or a later one.
  Status complete(const std::vector<std::string>& places);

  // The client sends no more and may have gone: see Guard::Tries.
  void client_half_closed();

  struct Delivery {
    Destination* destination;   // outlives deliver()
    std::string_view personal;  // header fields for this recipient only, ending in CRLF
  };
  using Outcome = Result<Delivered>;
  struct Progress {
    // The next destination may block, so replies that are known should be sent first. Returns false
    // if the client has gone: the destinations that are not yet settled are skipped (RFC 2033 5).
    std::function<bool()> may_wait;
    // How long a step took: linking and syncing for all together, or one destination.
    std::function<void(sys::Steady::duration)> step_done;
    // The outcome of deliveries[index]; in the order of `deliveries`, each as soon as it and those
    // before it are known.
    std::function<void(std::size_t index, const Outcome& outcome)> settled;
  };
  // Delivers to each destination. If an outcome is a success, the message is durable there.
  void deliver(const std::vector<Delivery>& deliveries, const Progress& progress);
  // Returns whether the message was delivered to anyone.
  bool is_delivered() const { return delivered_; }

  // All replies are written. Requires is_delivered(), as do the next two.
  void replies_written();
  // The client has read its replies: the message is forgotten.
  void replies_read();
  // The client has gone and may not have read the replies, so a retry may come. This fact is
  // durable on return. If this cannot be recorded, the ledger shows it to other processes, and it
  // is recorded later: by Spool::begin(), or by the sweep after the end of this process.
  Status replies_unread();

  // For destinations, while deliver() runs.
  Staged staged() const;
  // The two steps of Destination for a mailbox of this process's user.
  Result<std::optional<Delivered>> link_into(const Mailbox& mailbox, std::string_view personal);
  Outcome write_into(const Mailbox& mailbox, std::string_view personal);
  // The same two steps for a recipient with a script: one outcome for all copies. An order without
  // copies succeeds. (message_order.cc)
  Result<std::optional<Delivered>> link_order(const Order& order, std::string_view personal);
  Outcome write_order(const Order& order, std::string_view personal);
  // For a mailbox of another user.
  Outcome write_order(const Order& order, std::string_view personal, CopyWriter& writer);
  // Returns the message as an earlier attempt delivered it to the mailbox of this process's user.
  Result<std::optional<Delivered>> find_earlier_here(const Mailbox& mailbox);
  // Returns the message as an earlier attempt delivered it to the mailbox; nothing if there was
  // none. `search` looks into the mailbox (Guard::Search). May wait for an attempt in progress.
  Result<std::optional<Delivered>> find_earlier(const Mailbox& mailbox,
                                                const Guard::Search& search);
  // The delivery has failed, but the message may be in the mailbox or may still get there.
  Status note_uncertain(const Mailbox& mailbox);

  // These functions are for destinations that carry out the plan of a script (effects.hh), which
  // call them in both steps and in this order, after the copies. What they add becomes durable and
  // valid together with the success of the step, and is removed again if it fails. `key`
  // distinguishes the recipients of the message.
  //
  // Adds a message to send.
  Status queue(const std::string& key, const Outgoing& outgoing);
  Status mark(const UserMark& mark);
  // Records that everything in the plan was done.
  Status record(const std::string& key);
  // Sets a mark after the record was written: the retry of a plan that has no record must not see
  // the mark. If it cannot be set, the plan succeeds nevertheless.
  void mark_recorded(const UserMark& mark);
  // Returns whether an earlier attempt at the same message carried out the plan of this recipient,
  // whatever that plan was. `place`: the place of the recipient's mailbox. May wait for an attempt
  // in progress.
  Result<bool> find_record(const std::string& place, const std::string& key);
  // Returns how many messages to send were added and are valid.
  std::size_t queued() const { return effects_ ? effects_->queued() : 0; }

 private:
  friend class Spool;
  enum class Phase { kReceiving, kComplete, kDelivered, kReplied, kOver };
  // A name in a mailbox that the message's one sync makes durable.
  struct Link {
    Mailbox mailbox;
    Delivered delivered;
  };

  // An edited message, in a file of its own. Its text is not kept: those for many recipients would
  // take too much memory.
  struct Edition {
    std::weak_ptr<const std::string> text;
    Staging staging;
  };
  // A copy in a mailbox, for any recipient.
  struct Stored {
    Mailbox mailbox;
    Flags flags;
    const Edition* edition;  // null: the message as it was sent
    Delivered delivered;
  };

  Message(Spool& spool, Staging staging, Ledger::Reservation room)
      : spool_(&spool), staging_(std::move(staging)), room_(std::move(room)) {}
  void require(Phase phase) const;
  std::vector<std::optional<Outcome>> link_all(const std::vector<Delivery>& deliveries);
  Status sync_links();
  const Stored* find_stored(const CopyOrder& copy) const;
  // Returns the edition with the text of the copy, null if there is none.
  const Edition* edition_of(const CopyOrder& copy) const;
  bool has_text(const Edition& edition, const std::string& text) const;
  // `edition`: null: the message as it was sent.
  Staged source_of(const CopyOrder& copy, const Edition* edition);
  // Returns the edition of the copy, made if necessary; null: the message as it was sent.
  Result<const Edition*> prepare_edition(const CopyOrder& copy, bool durable);
  QuotaUse pending_in(const Mailbox& mailbox) const;
  // Leaves the ledger, if the message is in it. If a name may remain in a mailbox whose recipient
  // gets a 4xx, a retry will look for it.
  void forget();
  // The message may be sent again, and the retry must find it.
  Status remember();
  Effects& effects();
  // What a destination has done so far, to undo it if it fails.
  struct Done {
    std::size_t links;
    std::size_t effects;
  };
  Status add_effects(const Order& order);
  Done done() const { return {links_.size(), effects_ ? effects_->pending() : 0}; }
  void undo(const Done& to);
  void commit_effects();

  Spool* spool_;
  std::unique_ptr<Effects> effects_;  // its records are removed after the name in staging
  Staging staging_;
  Ledger::Reservation room_;
  Phase phase_ = Phase::kReceiving;
  bool is_entered_ = false;  // in the ledger
  bool delivered_ = false;
  bool is_sharing_ = false;  // the shared sync follows
  Guard::Tries tries_;
  std::vector<Link> links_;
  std::vector<Stored> stored_;
  std::deque<Edition> editions_;
};

}  // namespace handoff::spool
