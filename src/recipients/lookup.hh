// The one interface of all kinds of lookup: an address becomes a mailbox, or nobody has it, or it
// cannot be told at the moment. Knows nothing of LMTP or of how a mailbox is written.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/address.hh"
#include "base/mailbox.hh"
#include "base/result.hh"
#include "recipients/modules.hh"
#include "recipients/table.hh"
#include "sys/files.hh"

namespace handoff::recipients {

// What a lookup knows of an address: its mailbox, or that it is another name of `alias`; neither:
// it knows for certain that nobody has it.
struct Answer {
  Answer() = default;
  Answer(Mailbox found) : mailbox(std::move(found)) {}
  Answer(Address other) : alias(std::move(other)) {}

  bool known() const { return mailbox.has_value() || alias.has_value(); }

  std::optional<Mailbox> mailbox;
  std::optional<Address> alias;
};

class Lookup {
 public:
  virtual ~Lookup() = default;

  // `address` is folded and has no subaddress, no control character and no empty part. An error
  // for everything but an answer: the recipient is then asked to be tried again (R1). Its text
  // names the cause for the log, and no password. May block, for about Ground::timeout.
  virtual Result<Answer> find(const Address& address) = 0;
  // Whether a positive answer means that the mailbox exists: VRFY says 252 where it does not.
  virtual bool tells() const { return true; }
  // Whether it is set up to say since when a mailbox has had its owner: then RRVS is offered (X12).
  virtual bool knows_owners() const { return false; }
  // Whether asking costs so much that answers are worth keeping: it goes to another process.
  virtual bool is_remote() const { return false; }
};

// What a lookup stands on. All of it outlives the lookup.
struct Ground {
  sys::Files& files;
  const sys::Fd& spool;                       // its root directory
  const std::string& layout;                  // of mailboxes below it
  std::chrono::milliseconds timeout{10'000};  // of one question; 0: who asks is watched by another
  const Tables* tables = nullptr;             // those of file:, loaded before
  const Modules* modules = nullptr;           // those of other kinds, opened before
};

// The lookup that `setting` (recipients.lookup) asks for. EINVAL where it is malformed, ENOTSUP
// where this build has no such kind, or ground.modules not the one that it needs. Connects to
// nothing yet.
Result<std::unique_ptr<Lookup>> make_lookup(const std::string& setting, const Ground& ground);

}  // namespace handoff::recipients
