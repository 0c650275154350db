// The one interface of all kinds of lookup: an address becomes a mailbox, or nobody has it, or it
// cannot be told at the moment. Knows nothing of LMTP or of how a mailbox is written.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/address.hh"
#include "base/mailbox.hh"
#include "base/result.hh"
#include "sys/files.hh"

namespace handoff::recipients {

class Lookup {
 public:
  virtual ~Lookup() = default;

  // `address` is folded and has no subaddress. Returns its mailbox (without a folder); nothing
  // where this lookup knows for certain that there is none; an error for everything else: the
  // recipient is then asked to be tried again (R1). May block.
  virtual Result<std::optional<Mailbox>> find(const Address& address) = 0;
  // Whether a positive answer means that the mailbox exists: VRFY says 252 where it does not.
  virtual bool tells() const = 0;
};

// What a lookup stands on. All of it outlives the lookup.
struct Ground {
  sys::Files& files;
  const sys::Fd& spool;       // its root directory
  const std::string& layout;  // of mailboxes below it
};

// The lookup that `setting` (recipients.lookup) asks for; nullptr where there is no such kind.
std::unique_ptr<Lookup> make_lookup(const std::string& setting, const Ground& ground);

}  // namespace handoff::recipients
