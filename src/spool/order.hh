// What to do with the message for one recipient if a script has decided it: several copies, with
// one outcome. Without a script it is one copy in the recipient's folder.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mailbox.hh"
#include "base/result.hh"
#include "spool/destination.hh"
#include "spool/earlier_copy.hh"
#include "spool/flags.hh"
#include "spool/marks.hh"
#include "spool/outgoing.hh"
#include "spool/staged.hh"

namespace handoff::spool {

struct CopyOrder {
  Mailbox mailbox;  // with the folder, and whether it is created
  Flags flags;
  // The whole edited message, with the line ends of the spool; null: the message as it was sent.
  std::shared_ptr<const std::string> text;
};

struct Order {
  std::string recipient;  // distinguishes the recipients of a message that have the same mailbox
  std::vector<CopyOrder> copies;
  std::vector<Outgoing> outgoing = {};  // messages to send
  std::vector<UserMark> marks = {};
};

// Writes to the mailboxes of one recipient: a MailboxWriter, or the delivery process.
class CopyWriter {
 public:
  virtual ~CopyWriter() = default;
  // These two functions do the same as those of MailboxWriter.
  virtual Result<std::optional<EarlierCopy>> find_earlier(
      const Staged& staged, const Mailbox& mailbox, const std::vector<std::string>& names) = 0;
  virtual Result<Delivered> deliver(const Staged& staged, const Mailbox& mailbox,
                                    std::string_view personal, const Flags& flags) = 0;
  // Removes a copy that deliver() has just made.
  virtual void remove(const Staged& staged, const Mailbox& mailbox, const std::string& file) = 0;
};

}  // namespace handoff::spool
