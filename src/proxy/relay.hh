// The part of one message that goes to other hosts: a transaction at each backend, and the content
// that all of them get.
//
//   Relay relay(pool, facts, content);
//   relay.add(mailbox, recipient)            // at RCPT: the backend's reply
//   relay.begin_content(); relay.append(...)
//   relay.destination(mailbox)               // for spool::Message::deliver(), or await()
//   relay.replies_read();                    // or destroy the object: the replies were not read
//
// handoff takes no responsibility for these recipients: each gets the reply of its backend, and 451
// if there is none. A backend that fails affects no other recipient.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mailbox.hh"
#include "lmtp/reply.hh"
#include "proxy/content.hh"
#include "proxy/remote_transaction.hh"
#include "spool/destination.hh"

namespace handoff::proxy {

class Relay {
 public:
  // `pool` must outlive the object.
  Relay(Pool& pool, Facts facts, Content content);
  Relay(const Relay&) = delete;
  ~Relay();

  // Asks the backend of `mailbox` whether it takes mail for it. May block for
  // Options::timeout_of(), a few times. If recipients name different timeouts of one backend, the
  // first counts.
  lmtp::Reply add(const Mailbox& mailbox, const Recipient& recipient);
  // Returns why add() returned a negative reply that is not the backend's.
  std::optional<Error> cause(const Mailbox& mailbox) const;
  // Returns whether the backend of the mailbox sends the report that the sender asked for.
  bool reports(const Mailbox& mailbox) const;

  // Asks backends without CHUNKING for their 354; may block like add().
  void begin_content();
  // Keeps the content, and sends to each backend what it takes without blocking. Fails if the
  // content cannot be kept; the object can then only be destroyed.
  Status append(std::string_view octets);
  // Returns the destination of a mailbox for which add() was positive. Its start() sends the end of
  // the content to all backends; deliver() waits for the reply of its backend, and meanwhile serves
  // all backends.
  spool::Destination& destination(const Mailbox& mailbox);
  void end_content();
  // Does what deliver() of the destination does.
  Result<spool::Delivered> await(const Mailbox& mailbox);
  // Returns the reply for a mailbox, after await().
  lmtp::Reply reply(const Mailbox& mailbox) const;

  // The client has read its replies.
  void replies_read();

 private:
  class Remote;
  RemoteTransaction& at(const Mailbox& mailbox) const { return *backends_.at(*mailbox.backend); }
  void serve_all();

  Pool& pool_;
  const Facts facts_;
  Content content_;
  bool has_ended_ = false;
  std::map<Backend, std::unique_ptr<RemoteTransaction>> backends_;
  std::map<std::string, std::unique_ptr<Remote>> destinations_;  // by Mailbox::place()
};

}  // namespace handoff::proxy
