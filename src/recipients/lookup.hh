// The common interface of all kinds of lookup. A lookup maps an address to a mailbox, or answers
// that nobody has the address, or fails temporarily. It knows nothing about LMTP or how mailboxes
// are written.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/address.hh"
#include "base/mailbox.hh"
#include "base/result.hh"
#include "recipients/modules.hh"
#include "recipients/table.hh"
#include "sys/files.hh"

namespace handoff::recipients {

// The answer for an address: its mailbox, or `alias`, of which it is another name. Neither: the
// lookup knows for certain that nobody has the address.
struct Answer {
  Answer() = default;
  Answer(Mailbox found) : mailbox(std::move(found)) {}
  Answer(Address other) : alias(std::move(other)) {}

  bool known() const { return mailbox.has_value() || alias.has_value(); }

  std::optional<Mailbox> mailbox;
  std::optional<Address> alias;
};

struct Record;

class Lookup {
 public:
  virtual ~Lookup() = default;

  // `address` is folded and has no subaddress, control character or empty part. Any failure to get
  // an answer is an error; the recipient then gets a temporary failure (R1). The text of the error
  // gives the cause for the log, without passwords. May block for about LookupContext::timeout.
  virtual Result<Answer> find(const Address& address) = 0;
  // Returns the record of `address` from which find() makes its answer; nothing if there is none.
  // ENOTSUP for a lookup that is not LookupKind::apart().
  virtual Result<std::optional<Record>> find_record(const Address& address);
  // Returns whether a positive answer means that the mailbox exists; otherwise VRFY answers 252.
  virtual bool can_verify() const { return true; }
  // Returns whether answers say when a mailbox got its owner; RRVS is offered only then (X12).
  virtual bool knows_owners() const { return false; }
};

class LookupClient;
struct Kind;
std::span<const Kind> kinds();

// The dependencies of lookups. They must outlive the lookups.
struct LookupContext {
  sys::Files& files;
  const sys::Fd& spool;       // its root directory
  const std::string& layout;  // of mailboxes in the spool
  std::chrono::milliseconds timeout{
      10'000};  // for one query; 0: none, because another process watches the caller
  const Tables* tables = nullptr;            // loaded in advance
  const Modules* modules = nullptr;          // opened in advance
  LookupClient* process = nullptr;           // asks for LookupKind::apart(); null: no process does
  std::span<const Kind> (*known)() = kinds;  // the table of kinds
  bool proxy = false;                        // mail may be passed on to other hosts (host=)
};

}  // namespace handoff::recipients
